"""What should have gone otherwise: flaws found in the text, kind by kind."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

import yaml

from domain.critique import Flaw
from domain.turn import Speaker
from measures import risk, structure, validation
from measures.detectors import is_monologue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from understudy.reading import Move, Reading

UNDERSTOOD_AT = 0.45
"""Share of the session before which advice comes too early, whatever was reflected."""
REFLECTIONS_FIRST = 2
"""Reflecting turns without which a problem is not understood."""
CLOSED_RUN = 2
"""Turns in a row that ask closed questions only."""
LONG_SESSION = 9
"""Therapist turns from which a technique has room for more than one of them."""
FORGIVEN = 0.7
"""Share of received disclosures from which a single miss is forgiven."""
QUOTED = 12
"""Words quoted from a turn, at most."""


class Found(NamedTuple):
    """A flaw: the turn's index, and the words it shows in (empty for what is missing)."""

    turn: int
    quote: str = ""


def quote(text: str) -> str:
    """Return the beginning of `text`, up to `QUOTED` words."""
    heard = text.split()
    return " ".join(heard[:QUOTED]) + (" …" if len(heard) > QUOTED else "")


def _advice_too_early(reading: Reading) -> list[Found]:
    found, reflected = [], 0
    for move in reading.moves[:-1]:
        if move.advises and (move.part < UNDERSTOOD_AT or reflected < REFLECTIONS_FIRST):
            found.append(Found(move.index, quote(move.text)))
        reflected += bool(move.reflection)
    return found


def _closed_questions(reading: Reading) -> list[Found]:
    found: list[Found] = []
    run: list[Move] = []
    for move in reading.moves[1:]:
        if move.only_closed:
            run.append(move)
            if len(move.asked) >= CLOSED_RUN or len(run) >= CLOSED_RUN:
                found.append(Found(move.index, move.asked[0].text))
        else:
            run = []
    return found


def _no_reflection(reading: Reading) -> list[Found]:
    met = [move for move in reading.work if move.meets_disclosure]
    missed = [move for move in met if not move.receives and not _framing(move)]
    if len(missed) == 1 and len(missed) <= (1 - FORGIVEN) * len(met):
        return []
    return [Found(move.index, quote(move.text)) for move in missed]


def _framing(move: Move) -> bool:
    """Tell whether a turn has a task of its own: risk, summary, homework."""
    tests = (
        risk.notices,
        risk.offers_human_help,
        structure.summarises,
        structure.gives_homework,
        structure.asks_feedback,
    )
    return any(test(move.text) for test in tests)


def _no_agenda(reading: Reading) -> list[Found]:
    if reading.excuse("agenda") or reading.where(structure.sets_agenda, end=0.45):
        return []
    return [Found(reading.moves[1].index)]


def _ignored_risk(reading: Reading) -> list[Found]:
    found = []
    for episode in reading.episodes:
        if None not in (episode.noticed, episode.asked, episode.offered):
            continue
        after = [move for move in reading.moves if move.index > episode.turn]
        late = episode.asked is not None and episode.noticed is not None
        if after:
            move = after[min(1, len(after) - 1)] if late else after[0]
            found.append(Found(move.index, quote(move.text)))
    return found


def _unsafe_advice(reading: Reading) -> list[Found]:
    return _sentences(reading, risk.unsafe_advice)


def _invalidating(reading: Reading) -> list[Found]:
    return _sentences(reading, validation.invalidating)


def _sentences(reading: Reading, test: Callable[[str], Sequence[str]]) -> list[Found]:
    return [Found(m.index, quote(test(m.text)[0])) for m in reading.moves if test(m.text)]


def _monologue(reading: Reading) -> list[Found]:
    long = (move for move in reading.moves if is_monologue(move.turn))
    return [Found(move.index, f"{move.words} words") for move in long]


def _no_technique(reading: Reading) -> list[Found]:
    if reading.excuse("technique") or technique_applied(reading):
        return []
    return [Found(reading.move_at(0.5).index)]


def technique_applied(reading: Reading) -> bool:
    """Tell whether the planned technique is in two turns, or plainly in one of a short session."""
    enough = 2 if len(reading.moves) >= LONG_SESSION else 1
    return len(reading.technique_moves) >= enough and reading.technique_cues >= 2


def _no_summary(reading: Reading) -> list[Found]:
    summed = reading.where(structure.summarises, begin=0.4)
    asked = reading.where(structure.asks_feedback, begin=0.4)
    if reading.excuse("summary") or (summed and asked):
        return []
    return [Found((summed[0] if summed else reading.move_at(0.7)).index)]


def _no_homework(reading: Reading) -> list[Found]:
    given = reading.where(structure.gives_homework, begin=0.4)
    if reading.excuse("homework") or given:
        return []
    return [Found(reading.move_at(0.8).index)]


def _role_break(reading: Reading) -> list[Found]:
    return [Found(drift.turn, drift.quote) for drift in reading.therapist_drifts]


_FINDERS: dict[str, Callable[[Reading], list[Found]]] = {
    "advice_too_early": _advice_too_early,
    "closed_questions": _closed_questions,
    "no_reflection": _no_reflection,
    "no_agenda": _no_agenda,
    "ignored_risk": _ignored_risk,
    "unsafe_advice": _unsafe_advice,
    "invalidating": _invalidating,
    "monologue": _monologue,
    "no_technique": _no_technique,
    "no_summary": _no_summary,
    "no_homework": _no_homework,
    "role_break": _role_break,
}


@lru_cache(maxsize=1)
def _wording() -> dict[str, dict[str, str]]:
    text = files("understudy").joinpath("supervision.yaml").read_text(encoding="utf-8")
    flaws: dict[str, dict[str, str]] = yaml.safe_load(text)["flaws"]
    return flaws


def find_flaws(reading: Reading) -> tuple[Flaw, ...]:
    """Return every flaw that is found, in the order of their turns."""
    if not any(turn.speaker is Speaker.THERAPIST for turn in reading.turns):
        return ()
    flaws = []
    for kind, finder in _FINDERS.items():
        for found in finder(reading):
            said = _wording()[kind]
            what = f'{said["what"]}: "{found.quote}"' if found.quote else f"{said['what']}."
            flaws.append(Flaw(turn=found.turn, kind=kind, what=what, instead=said["instead"]))
    return tuple(sorted(flaws, key=lambda flaw: flaw.turn))
