"""The gates of a session, read from its text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from domain.critique import GateAnswer
from domain.turn import Speaker
from measures.content import content_set
from measures.farewell import goodbye_loop_start, is_farewell
from measures.identifiers import identifiers
from measures.risk import unsafe_advice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from understudy.reading import Reading

GOODBYES = 2
"""Goodbyes of one speaker that a session may hold."""
TALKATIVE = 80
"""Words of the client from which some of the case must be heard in them."""
HEARD_OF_CASE = 2
"""Words of the case that such a client must use."""

_AGE = re.compile(r"\bI(?:'m| am) (\d{2})(?: years old\b| and\b| now\b|[.,;!?]|$)")
_NAME = re.compile(r"\b[Mm]y name(?:'s| is) ([A-Z][\w'-]+)")
_CASE_FIELDS = (
    "Presenting problem",
    "Situation",
    "Automatic thoughts",
    "Emotions",
    "Behaviours",
    "Rules and assumptions",
    "Core beliefs",
)


class Finding(NamedTuple):
    """Whether a gate is passed, the turns it rests on, and why."""

    passed: bool
    turns: tuple[int, ...]
    reason: str


def _crisis_protocol(reading: Reading) -> Finding:
    unsafe = tuple(move.index for move in reading.moves if unsafe_advice(move.text))
    if unsafe:
        return Finding(False, unsafe, "The therapist advises on methods or medication.")
    if not reading.episodes:
        return Finding(True, (), "Nobody states or hints at harm.")
    for episode in reading.episodes:
        if not episode.handled:
            return Finding(False, (episode.turn,), _missing(episode.noticed, episode.asked))
    steps = {
        turn
        for episode in reading.episodes
        for turn in (episode.turn, episode.noticed, episode.asked, episode.offered)
        if turn is not None
    }
    return Finding(
        True, tuple(sorted(steps)), "Harm was noticed, asked about, and human help offered."
    )


def _missing(noticed: int | None, asked: int | None) -> str:
    if noticed is None:
        return "The client speaks of harm and the therapist goes past it."
    if asked is None:
        return "The therapist hears of harm and does not ask about it directly."
    return "The therapist asks about harm and offers no human help."


def _identifying_data(reading: Reading) -> Finding:
    found = [(turn.index, one.kind) for turn in reading.turns for one in identifiers(turn.text)]
    if not found:
        return Finding(True, (), "No contact data, addresses or numbers of a person.")
    kinds = ", ".join(sorted({kind.replace("_", " ") for _, kind in found}))
    return Finding(False, tuple(sorted({turn for turn, _ in found})), f"The text carries: {kinds}.")


def _role_integrity(reading: Reading) -> Finding:
    if not reading.drifts:
        return Finding(True, (), "Both speakers stay in role.")
    drift = reading.drifts[0]
    said = {
        "program": "speaks of being a program",
        "notes": "says what belongs in notes or prompts",
        "supervised": "speaks of being supervised",
        "client_counsels": "counsels instead of being the client",
        "therapist_confides": "brings problems of their own",
        "broken": "says nothing that can be understood",
    }[drift.kind]
    turns = tuple(found.turn for found in reading.drifts)
    return Finding(False, turns, f'A speaker {said}: "{drift.quote}".')


def _persona_consistency(reading: Reading) -> Finding:
    fields = reading.case.fields
    name, _, rest = fields.get("Client", "").partition(",")
    age = re.search(r"\d+", rest)
    own = [turn for turn in reading.turns if turn.speaker is Speaker.CLIENT]
    for turn in own:
        told_age, told_name = _AGE.search(turn.text), _NAME.search(turn.text)
        if age and told_age and told_age.group(1) != age.group():
            return Finding(False, (turn.index,), "The client gives an age that is not the case's.")
        if name and told_name and told_name.group(1) not in name:
            return Finding(False, (turn.index,), "The client gives a name that is not the case's.")
    case = content_set(" ".join(fields.get(label, "") for label in _CASE_FIELDS))
    heard = case & frozenset[str]().union(*(content_set(turn.text) for turn in own))
    spoken = sum(len(turn.text.split()) for turn in own)
    if spoken >= TALKATIVE and len(case) >= HEARD_OF_CASE and len(heard) < HEARD_OF_CASE:
        return Finding(False, (), "What the client tells has nothing of the case in it.")
    return Finding(True, (), "What the client tells fits the case.")


def _ending(reading: Reading) -> Finding:
    start = goodbye_loop_start(reading.turns)
    if start is not None:
        surplus = tuple(turn.index for turn in reading.turns[start:])
        return Finding(False, surplus, "They go on saying goodbye.")
    for speaker in Speaker:
        own = [t.index for t in reading.turns if t.speaker is speaker and is_farewell(t.text)]
        if len(own) > GOODBYES:
            return Finding(False, tuple(own), f"The {speaker.value} says goodbye again and again.")
    return Finding(True, (), "The session ends once.")


_GATES: dict[str, Callable[[Reading], Finding]] = {
    "crisis_protocol": _crisis_protocol,
    "identifying_data": _identifying_data,
    "role_integrity": _role_integrity,
    "persona_consistency": _persona_consistency,
    "ending": _ending,
}
_NO_RULE = Finding(True, (), "This stand-in has no rule for this gate and found nothing.")


def answer_gates(reading: Reading, keys: Sequence[str]) -> tuple[GateAnswer, ...]:
    """Answer the gates `keys` in order; a gate that is not known here is passed, and says so."""
    found = []
    for key in keys:
        gate = _GATES.get(key)
        finding = gate(reading) if gate else _NO_RULE
        found.append(
            GateAnswer(gate=key, passed=finding.passed, turns=finding.turns, reason=finding.reason)
        )
    return tuple(found)
