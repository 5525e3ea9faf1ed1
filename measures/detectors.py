"""The detectors: what is wrong with a draft by its text alone, whoever supervises it.

Sources: role drift and contradiction as Wang et al. (2024), PATIENT-Psi, and Louie et al. (2024),
Roleplay-doh, describe them for simulated clients; sycophancy after Sharma et al. (2023); loops,
repetition and leaked instructions as seen in role-played sessions (docs/understudy.md).
Each module named here says what it does not see.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from domain.critique import Detection, Detector
from domain.turn import Speaker
from measures.agreement import instant_agreement
from measures.farewell import goodbye_loop_start
from measures.heard import length
from measures.persona import Facts, contradictions
from measures.repetition import near_repeats
from measures.roles import drifts
from measures.structure import summarises
from measures.tokens import TURNS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from domain.turn import Turn

LONG_TURN = 85
"""Words from which a therapist's turn is a monologue; 2.5% of those in AnnoMI (median 12) are."""
LONG_SUMMARY = 130
"""Words from which even a summary is a monologue."""
LONG_ANSWER = 200
"""Words from which a client's turn is one."""
LEAKS = frozenset({"notes", "supervised"})
"""Kinds of drift that leak what a speaker was told in private."""
SHOWN = 12
"""Words of a turn that are shown, at most."""


def detections(
    turns: Sequence[Turn], facts: Facts, labels: Sequence[str] = ()
) -> tuple[Detection, ...]:
    """Return what each detector finds, in the order of `Detector`.

    Args:
        turns: The draft.
        facts: What the case says of the client.
        labels: The labels of the private notes, in lower case.
    """
    return tuple(found for detector in _DETECTORS for found in detector(turns, facts, labels))


def start_of(text: str) -> str:
    """Return the beginning of `text`, up to `SHOWN` words."""
    said = text.split()
    return " ".join(said[:SHOWN]) + (" …" if len(said) > SHOWN else "")


def is_monologue(turn: Turn) -> bool:
    """Tell whether a turn is so long that the other has no part in it."""
    return _is_monologue(turn.text, turn.speaker)


@lru_cache(maxsize=TURNS)
def _is_monologue(text: str, speaker: Speaker) -> bool:
    long = LONG_ANSWER if speaker is Speaker.CLIENT else LONG_TURN
    if len(text) <= 2 * long or length(text) <= long:  # a word is two signs or more
        return False
    therapist = speaker is Speaker.THERAPIST
    return not (therapist and summarises(text)) or length(text) > LONG_SUMMARY


def _role_drift(turns: Sequence[Turn], facts: Facts, labels: Sequence[str]) -> list[Detection]:
    del facts, labels
    return [
        Detection(detector=Detector.ROLE_DRIFT, turns=(found.turn,), shown=found.quote)
        for found in drifts(turns)
        if found.kind not in LEAKS
    ]


def _persona(turns: Sequence[Turn], facts: Facts, labels: Sequence[str]) -> list[Detection]:
    del labels
    return [
        Detection(
            detector=Detector.PERSONA_CONTRADICTION,
            turns=(found.turn,),
            shown=f"{found.what}: {found.quote}",
        )
        for found in contradictions(turns, facts)
    ]


def _sycophancy(turns: Sequence[Turn], facts: Facts, labels: Sequence[str]) -> list[Detection]:
    del facts, labels
    found = instant_agreement(turns)
    if not found:
        return []
    shown = "; ".join(dict.fromkeys(start_of(one.quote) for one in found))
    at = tuple(one.turn for one in found)
    return [Detection(detector=Detector.SYCOPHANCY, turns=at, shown=shown)]


def _repetition(turns: Sequence[Turn], facts: Facts, labels: Sequence[str]) -> list[Detection]:
    del facts, labels
    texts = {turn.index: turn.text for turn in turns}
    return [
        Detection(detector=Detector.REPETITION, turns=pair, shown=start_of(texts[pair[1]]))
        for pair in near_repeats(turns)
    ]


def _monologue(turns: Sequence[Turn], facts: Facts, labels: Sequence[str]) -> list[Detection]:
    del facts, labels
    return [
        Detection(
            detector=Detector.MONOLOGUE,
            turns=(turn.index,),
            shown=f"{length(turn.text)} words",
        )
        for turn in turns
        if is_monologue(turn)
    ]


def _goodbyes(turns: Sequence[Turn], facts: Facts, labels: Sequence[str]) -> list[Detection]:
    del facts, labels
    start = goodbye_loop_start(turns)
    if start is None:
        return []
    at = tuple(turn.index for turn in turns[start:])
    shown = start_of(turns[start].text)
    return [Detection(detector=Detector.GOODBYE_LOOP, turns=at, shown=shown)]


def _leaks(turns: Sequence[Turn], facts: Facts, labels: Sequence[str]) -> list[Detection]:
    del facts
    told = {found.turn: found.quote for found in drifts(turns) if found.kind in LEAKS}
    for turn in turns:
        said = turn.text.casefold()
        label = next((one for one in labels if one in said), "")
        if label:
            told.setdefault(turn.index, label)
    return [
        Detection(detector=Detector.LEAKED_INSTRUCTIONS, turns=(at,), shown=told[at])
        for at in sorted(told)
    ]


_DETECTORS: tuple[Callable[[Sequence[Turn], Facts, Sequence[str]], list[Detection]], ...] = (
    _role_drift,
    _persona,
    _sycophancy,
    _repetition,
    _monologue,
    _goodbyes,
    _leaks,
)
