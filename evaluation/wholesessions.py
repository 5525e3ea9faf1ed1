"""What the report says of whole sessions: their statistics by persona, examples and trails."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from domain.turn import Speaker
from evaluation.examples import (
    ASKED_CHARS,
    SAID_CHARS,
    Extremes,
    Pick,
    Said,
    Trail,
    excerpt,
    judged_of,
    places_of,
    ranked_by_mean,
    trail_of,
)
from evaluation.statistics import ordered, summarise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from domain.played import PlayedSession
    from domain.verdict import Verdict
    from evaluation.summary import Summary


def session_summary(
    sessions: Sequence[PlayedSession], verdicts: Sequence[Verdict], *, samples: int, seed: int
) -> Summary | None:
    """Compare the models over whole sessions, sessions of one persona clustered; None for none."""
    if not verdicts:
        return None
    personas = {one.scenario_id: one.persona_id for one in sessions}
    return summarise(verdicts, personas, samples=samples, seed=seed)


def session_extremes(
    sessions: Sequence[PlayedSession], verdicts: Sequence[Verdict]
) -> list[Extremes]:
    """Return the best, the median and the worst session of each model; needs three of each."""
    played = {(one.variant, one.scenario_id): one for one in sessions}
    found: dict[str, dict[str, list[Verdict]]] = defaultdict(lambda: defaultdict(list))
    for verdict in verdicts:
        if (verdict.variant, verdict.scenario_id) in played:
            found[verdict.variant][verdict.scenario_id].append(verdict)
    chosen = []
    for variant in ordered(found):
        ranked = ranked_by_mean(found[variant])
        if len(ranked) > 2:
            picks = [
                _pick(place, mean, played[variant, scenario], found[variant][scenario])
                for place, (mean, scenario) in places_of(ranked)
            ]
            chosen.append(Extremes(variant=variant, whole=True, picks=tuple(picks)))
    return chosen


def _pick(place: str, mean: float, session: PlayedSession, verdicts: Sequence[Verdict]) -> Pick:
    """Show a session by what it is about and the therapist's turn in its middle."""
    turns = [turn.text for turn in session.turns if turn.speaker is Speaker.THERAPIST]
    about = f"{session.problem}, {session.technique}, {session.style}, {len(turns)} turns"
    middle = turns[len(turns) // 2] if turns else ""
    return Pick(
        place=place,
        mean=mean,
        scenario=session.scenario_id,
        asked=excerpt(about.replace("_", " "), ASKED_CHARS),
        said=Said(
            variant=session.variant,
            text=excerpt(middle, SAID_CHARS),
            failure="",
            **judged_of(verdicts),
        ),
    )


def session_trails(
    sessions: Sequence[PlayedSession], verdicts: Sequence[Verdict], models: Mapping[str, str]
) -> list[Trail]:
    """Return the way back from every verdict on a whole session: to its persona and its calls."""
    personas = {one.scenario_id: one.persona_id for one in sessions}
    return [trail_of(one, personas, models, f"{one.variant}-{one.scenario_id}") for one in verdicts]
