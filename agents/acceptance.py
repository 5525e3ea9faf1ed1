"""From a supervisor's answer to a decision: accepted or not, why, and where to play on from.

The model answers; the thresholds are the pack's, and the arithmetic is here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from domain.critique import Critique, CritiqueAnswer, GateAnswer
from domain.turn import Speaker, Turn, transcript
from measures.detectors import detections
from measures.disclosure import reveals, touches
from measures.farewell import goodbye_loop_start
from measures.persona import Facts
from measures.repetition import near_repeats
from measures.roles import is_broken
from measures.session import session_behaviours
from measures.tokens import TURNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agents.pack import Pack
    from agents.rubrics import FlawKind, SessionRubric
    from domain.persona import Persona

REPEATS = "repetition_share"
"""The behaviour whose limit a session breaks that goes round in a loop."""
GUIDANCE = 12
"""Pieces of guidance a therapist is given at most."""


class Fault(NamedTuple):
    """A turn that fails a gate by its text alone, whatever the model says of it."""

    turn: int
    why: str


def critique_of(
    answer: CritiqueAnswer, pack: Pack, persona: Persona, turns: tuple[Turn, ...]
) -> Critique:
    """Decide on a draft.

    Args:
        answer: The supervisor's answer, which has passed its check.
        pack: Thresholds, kinds of flaw and the labels of the private notes.
        persona: Whose beliefs guidance must not give away.
        turns: The draft.
    """
    faults = text_faults(pack, turns)
    score = share_of_points(answer, pack.session)
    behaviours = session_behaviours(turns)
    broken = pack.limits.broken_by(behaviours)
    looped = _repeats(turns) if [limit.key for limit, _ in broken] == [REPEATS] else ()
    reasons = (
        *(f'Gate "{gate.gate}" failed: {gate.reason}' for gate in _failed(answer)),
        *(f"Turn {fault.turn}: {fault.why}" for fault in faults),
        *_short_of(answer, pack.session, score),
        *_blocking(answer, pack.flaws),
        *(breach for _, breach in broken),
    )
    accepted = not reasons
    return Critique(
        answer=answer,
        behaviours=behaviours,
        score=score,
        accepted=accepted,
        reasons=reasons,
        detections=detections(turns, facts_of(persona), pack.note_labels),
        rewind_to=None if accepted else _again_from(answer, (*faults, *looped), turns, broken),
        guidance=()
        if accepted
        else guidance_for(answer, pack, persona, turns, [limit.instead for limit, _ in broken]),
    )


def facts_of(persona: Persona) -> Facts:
    """Return what the case says of the client, for what the client says of it."""
    return Facts(persona.name, persona.age, persona.household, persona.occupation)


def share_of_points(answer: CritiqueAnswer, rubric: SessionRubric) -> float:
    """Return the points given as a share of those that could be, 0 to 1; 0 where none apply."""
    points = [item.score for item in answer.items if item.score is not None]
    if not points:
        return 0.0
    return round(min(sum(points) / (rubric.scale.maximum * len(points)), 1.0), 6)


def _failed(answer: CritiqueAnswer) -> list[GateAnswer]:
    return [gate for gate in answer.gates if not gate.passed]


def _short_of(answer: CritiqueAnswer, rubric: SessionRubric, score: float) -> list[str]:
    """Say which thresholds are not reached."""
    scores = {item.item: item.score for item in answer.items}
    reasons = []
    if score < rubric.accept_share:
        reasons.append(f"Score {score:.2f} is under {rubric.accept_share:g}.")
    for item in rubric.items:
        points, required = scores[item.key], rubric.required.get(item.key, 0)
        least = max(required, rubric.item_minimum)
        if points is None:
            reasons += [f"{item.name} was not scored."] if required else []
        elif points < least:
            reasons.append(f"{item.name}: {points} is under {least}.")
    return reasons


def _blocking(answer: CritiqueAnswer, kinds: Sequence[FlawKind]) -> list[str]:
    """Say which flaws fail the session on their own."""
    described = {kind.key: kind.description for kind in kinds if kind.blocks}
    return [
        f"Turn {flaw.turn}: {described[flaw.kind]}"
        for flaw in answer.flaws
        if flaw.kind in described
    ]


def text_faults(pack: Pack, turns: Sequence[Turn]) -> tuple[Fault, ...]:
    """Return what fails a session by its text: broken turns, leaked notes, a row of goodbyes.

    Not covered: notes told in other words. A model that passes such a turn is overruled.
    """
    labels = pack.note_labels
    found = [(turn.index, _fault_of(turn.text, labels)) for turn in turns]
    faults = [Fault(index, why) for index, why in found if why]
    start = goodbye_loop_start(turns)
    if start is not None:
        faults.append(Fault(turns[start].index, "goodbyes without end."))
    return tuple(faults)


@lru_cache(maxsize=TURNS)
def _fault_of(text: str, labels: tuple[str, ...]) -> str:
    """Say what is wrong with one turn, nothing where nothing is.

    Kept, because a revision is judged with the turns it keeps.
    """
    if is_broken(text):
        return "the turn is broken."
    said = text.casefold()
    return "private notes are spoken." if any(label in said for label in labels) else ""


def _repeats(turns: Sequence[Turn]) -> tuple[Fault, ...]:
    """Return the turns said again: a loop is left where it began, which no flaw need name.

    Only where it is the one limit that is broken; the others are of the session as a whole.
    """
    return tuple(Fault(later, "it was said before.") for _, later in near_repeats(turns))


def _again_from(
    answer: CritiqueAnswer, faults: Sequence[Fault], turns: Sequence[Turn], broken: Sequence[object]
) -> int | None:
    """Return where a draft is played again; None where nothing says so.

    A limit on the session as a whole that no turn is named for is met, if at all, by another
    second half, played by somebody who has been told of it.
    """
    point = rewind_point(answer, faults, turns)
    if point is None and broken and turns:
        later = [t.index for t in turns[len(turns) // 2 :] if t.speaker is Speaker.THERAPIST]
        point = min(later, default=None)
    return point


def rewind_point(
    answer: CritiqueAnswer, faults: Sequence[Fault], turns: Sequence[Turn]
) -> int | None:
    """Return the index of the earliest therapist turn to play again, or None.

    Flaws name therapist turns. A failed gate or a fault in the text that no flaw is next to
    leads to the therapist turn at or before it. Where nothing is named, the lowest items' turns
    are taken.
    """
    flawed = {flaw.turn for flaw in answer.flaws}
    named = [min(gate.turns) for gate in _failed(answer) if gate.turns]
    named += [fault.turn for fault in faults]
    loose = {turn for turn in named if not flawed & {turn - 1, turn, turn + 1}}
    points = flawed | _therapists(loose, turns)
    if not points:
        scored = [item for item in answer.items if item.score is not None and item.turns]
        lowest = min((item.score or 0 for item in scored), default=0)
        weak = {min(item.turns) for item in scored if item.score == lowest}
        points = _therapists(weak, turns)
    return min(points, default=None)


def _therapists(points: Iterable[int], turns: Sequence[Turn]) -> set[int]:
    """Move every point to the therapist turn at or before it; drop those without one."""
    own = [turn.index for turn in turns if turn.speaker is Speaker.THERAPIST]
    earlier = ([index for index in own if index <= point] for point in points)
    return {indexes[-1] for indexes in earlier if indexes}


def guidance_for(
    answer: CritiqueAnswer,
    pack: Pack,
    persona: Persona,
    turns: tuple[Turn, ...],
    measured: Sequence[str] = (),
) -> tuple[str, ...]:
    """Return what the therapist is told, each piece once: flaws by their turns, then `measured`.

    Advice that would give away a belief which the client has not spoken is replaced by the
    pack's description of the flaw.
    """
    hidden = (*persona.diagram.intermediate_beliefs, *persona.diagram.core_beliefs)
    described = {flaw.key: flaw.description for flaw in pack.flaws}
    guidance: dict[str, None] = {}
    for flaw in sorted(answer.flaws, key=lambda flaw: flaw.turn):
        advice = " ".join(flaw.instead.split())
        if not advice or (
            touches(advice, hidden) and reveals(advice, hidden, transcript(turns, numbered=False))
        ):
            advice = f"Avoid this: {described[flaw.kind]}"
        guidance[advice] = None
    guidance |= dict.fromkeys(measured)
    return tuple(guidance)[:GUIDANCE]
