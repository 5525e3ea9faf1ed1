"""Talk of harm to self or others, and what a therapist does with it.

A list of words is no risk assessment: irony, slow hints over many turns, other languages and
codes are not seen. A gate built on it errs towards asking.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from domain.turn import Speaker, Turn
from measures.heard import Hit, Sentence, has, heard
from measures.tokens import KEPT, TURNS

if TYPE_CHECKING:
    from collections.abc import Sequence

_METHOD = ("risk.method", "harmful.method")
_MEDICATION = ("risk.medication", "harmful.medication")
_THEIRS = frozenset({"you're", "you've"})
"""Words that a reflection begins with ("So you've halved the dose")."""
SCOPE = 5
"""Words that a negation reaches ahead within its clause."""
NOTICE_WITHIN = 1
"""Therapist turns after the statement by which it is to be taken up: the very next one."""
ASK_WITHIN = 2
"""Therapist turns after the statement by which it is to be asked about directly."""
HELP_WITHIN = 5
"""Therapist turns after the statement by which human help is to be offered."""
_ONGOING = {("stop", verb) for verb in ("thinking", "having", "wanting", "imagining", "planning")}
_STATED = ("risk.stated", "risk.stated_others", "hints.others", "hints.threats")
_HINTED = ("risk.hinted", "hints.self", "hints.means")
_SPOKEN = (*_STATED, *_HINTED)
_CLAUSE_ENDS = frozenset({"but", "though", "although", "however", "except"})


class RiskKind(StrEnum):
    """How plainly harm is spoken of."""

    STATED = "stated"
    HINTED = "hinted"


class RiskStatement(NamedTuple):
    """A sentence that speaks of harm, and the words it was found by."""

    kind: RiskKind
    sentence: str
    words: str


class Episode(NamedTuple):
    """A risk statement of the client and what the therapist did with it, by turn index.

    `noticed`, `asked` and `offered` are None where the therapist did not do so in time.
    `unsafe` are turns with advice on methods or medication after it.
    """

    turn: int
    kind: RiskKind
    noticed: int | None
    asked: int | None
    offered: int | None
    unsafe: tuple[int, ...]

    @property
    def handled(self) -> bool:
        """Whether it was noticed, asked about and answered with human help, safely."""
        return None not in (self.noticed, self.asked, self.offered) and not self.unsafe


def _denied(hit: Hit, sentence: Sentence) -> bool:
    """Tell whether a negation shortly before the phrase, in its clause, turns it round."""
    words = sentence.words
    for negator in sentence.hits("risk.negator"):
        if hit.start - SCOPE <= negator.start < hit.start:
            between = words[negator.end : hit.start]
            if not _CLAUSE_ENDS & set(between) and not _insists(words, negator.start):
                return True
    return False


def _insists(words: Sequence[str], negator: int) -> bool:
    """Tell whether the negation is of a doubt ("I can't stop thinking of suicide")."""
    after = tuple(words[negator + 1 : negator + 3])
    return after[:1] in {("help",), ("shake",), ("only",), ("just",)} or after in _ONGOING


@lru_cache(maxsize=KEPT)
def statements(text: str) -> tuple[RiskStatement, ...]:
    """Return the sentences of a client's turn that state or hint at harm, denials left out."""
    found: list[RiskStatement] = []
    if not has(text, *_SPOKEN):
        return ()
    for sentence in heard(text).sentences:
        if not sentence.has(*_SPOKEN):
            continue
        for kind, names in (
            (RiskKind.STATED, _STATED),
            (RiskKind.HINTED, _HINTED),
        ):
            hit = _first(names, sentence)
            if hit is not None:
                found.append(RiskStatement(kind, sentence.text, hit.text))
                break
    return tuple(found)


def _first(names: Sequence[str], sentence: Sentence) -> Hit | None:
    idioms = sentence.hits("risk.idiom")
    for name in names:
        for hit in sentence.hits(name):
            if not (_meets(hit, idioms) or _denied(hit, sentence) or _feared(hit, sentence)):
                return hit
    return None


def _meets(hit: Hit, others: Sequence[Hit]) -> bool:
    """Tell whether the phrase shares a word of its sentence with one of the others."""
    return any(hit.start < other.end and other.start < hit.end for other in others)


def _feared(hit: Hit, sentence: Sentence) -> bool:
    """Tell whether the phrase is of a death that is feared, as of an illness, and not wished for.

    "It's a tumour, and I will not see my next birthday" is a fear. Without the illness it may be
    either and counts; so does whatever one does oneself.
    """
    names = ("risk.feared", "risk.foretold") if sentence.has("risk.illness") else ("risk.feared",)
    meets = any(_meets(hit, sentence.hits(name)) for name in names)
    return meets and not sentence.has("risk.welcome")


@lru_cache(maxsize=TURNS)
def risk_kind(text: str) -> RiskKind | None:
    """Return the plainest kind of risk in a client's turn, or None."""
    kinds = {statement.kind for statement in statements(text)}
    return next((kind for kind in RiskKind if kind in kinds), None)


def asks_directly(text: str) -> bool:
    """Tell whether a therapist asks about harm in plain words."""
    return has(text, "risk.asked") and any(
        sentence.asks and sentence.has("risk.asked") for sentence in heard(text).sentences
    )


def notices(text: str) -> bool:
    """Tell whether a therapist says that a risk statement was heard, or asks about it."""
    return has(text, "risk.heard") or asks_directly(text)


def offers_human_help(text: str) -> bool:
    """Tell whether a therapist names people who can help now."""
    return has(text, "risk.help")


@lru_cache(maxsize=KEPT)
def unsafe_advice(text: str) -> tuple[str, ...]:
    """Return a therapist's sentences on methods of harm, or on changing medication.

    Leaving medication to the prescriber, and telling someone not to change it, is safe. The
    medicine may be named in another sentence of the turn ("Those tablets numb you. Skip them.").
    """
    if not has(text, *_METHOD, *_MEDICATION, "harmful.override"):
        return ()
    named = has(text, "risk.medicine")
    return tuple(
        sentence.text
        for sentence in heard(text).sentences
        if sentence.has(*_METHOD) or (named and _meddles(sentence))
    )


def _meddles(sentence: Sentence) -> bool:
    """Tell whether a sentence says what to do with a medicine, or to pass over who prescribed it.

    A question only asks, unless it urges ("Why don't you stop taking it?"); what is left to a
    prescriber, reflected, or advised against is no advice.
    """
    if sentence.has("harmful.override"):
        return True
    urges = sentence.has("harmful.urging")
    if (sentence.asks and not urges) or sentence.has("risk.prescriber"):
        return False
    if not urges and _THEIRS.intersection(sentence.words[:2]):
        return False
    return any(
        urges or not _denied(hit, sentence) for name in _MEDICATION for hit in sentence.hits(name)
    )


class Response(NamedTuple):
    """What a therapist's turn does about harm that was spoken of."""

    notices: bool
    asks: bool
    offers: bool
    unsafe: bool


@lru_cache(maxsize=TURNS)
def response(text: str) -> Response:
    """Read a therapist's turn as an answer to a risk statement; kept for the critique."""
    return Response(
        notices(text), asks_directly(text), offers_human_help(text), bool(unsafe_advice(text))
    )


def _episode(turns: Sequence[Turn], at: int, kind: RiskKind) -> Episode:
    """Follow what the therapist does after the statement at position `at`."""
    after = [
        (turn.index, response(turn.text))
        for turn in turns[at + 1 :]
        if turn.speaker is Speaker.THERAPIST
    ][:HELP_WITHIN]
    noticed = (index for index, did in after[:NOTICE_WITHIN] if did.notices)
    asked = (index for index, did in after[:ASK_WITHIN] if did.asks)
    offered = (index for index, did in after if did.offers)
    return Episode(
        turn=turns[at].index,
        kind=kind,
        noticed=next(noticed, None),
        asked=next(asked, None),
        offered=next(offered, None),
        unsafe=tuple(index for index, did in after if did.unsafe),
    )


def episodes(turns: Sequence[Turn]) -> tuple[Episode, ...]:
    """Return the client's risk statements with what the therapist did next.

    A statement that comes while an episode is being answered, or after one that was handled,
    belongs to it, unless a hint has become a plain statement since.
    """
    found: list[Episode] = []
    for at, turn in enumerate(turns):
        kind = risk_kind(turn.text) if turn.speaker is Speaker.CLIENT else None
        if kind is not None and not _belongs(turn, kind, found[-1] if found else None):
            found.append(_episode(turns, at, kind))
    return tuple(found)


def _belongs(turn: Turn, kind: RiskKind, last: Episode | None) -> bool:
    if last is None or not last.handled:
        return False
    answered = max(last.asked or 0, last.offered or 0)
    return turn.index < answered or last.kind is RiskKind.STATED or kind is last.kind
