"""Reflections: a therapist gives back what the client said or feels."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from measures.content import content_set, each_stem, stems
from measures.heard import Sentence, has, heard
from measures.questions import is_check, opening, questions

if TYPE_CHECKING:
    from collections.abc import Sequence

RESTATED = 0.5
"""Share of a sentence's content words taken from the client from which it restates."""
RESTATING_WORDS = 12
"""Content words up to which a sentence can be a restatement; longer ones are speeches."""
TURNS = 256
"""Turns whose reflecting sentences are kept: those of the sessions that are being read."""
_TELLING = (
    "reflections.not_the_client",
    "reflections.stem",
    "advice.advice",
    "farewell.parting",
)
_YOU = frozenset({"you", "you're", "you've", "you'd", "your"})


class Reflection(StrEnum):
    """MITI 4.2.1: a simple reflection restates, a complex one adds meaning or feeling."""

    SIMPLE = "simple"
    COMPLEX = "complex"


def _tells(sentence: Sentence) -> bool | None:
    """Tell by its phrases of `_TELLING` whether a sentence reflects; None where they do not say."""
    start = opening(sentence)
    if any(at <= start + 1 for at in sentence.starts("reflections.not_the_client")):
        return False
    if sentence.has("advice.advice", "farewell.parting"):
        return False
    if any(at <= start + 2 for at in sentence.starts("reflections.stem")):
        return len(sentence.words) - start >= 3
    return None


def _of_you(sentence: Sentence) -> bool:
    """Tell whether a sentence speaks of the client from its first words on."""
    start = opening(sentence)
    words = sentence.words
    return len(words) - start >= 4 and not _YOU.isdisjoint(words[start : start + 2])


def _restates(stems: Sequence[str], theirs: frozenset[str]) -> bool:
    """Tell whether a sentence, given by its words' stems, says what the client said."""
    if theirs.isdisjoint(stems):  # most have nothing of the client's
        return False
    mine = frozenset(filter(None, stems))
    return len(mine) <= RESTATING_WORDS and _taken(mine, theirs) >= RESTATED


def _taken(mine: frozenset[str], theirs: frozenset[str]) -> float:
    """Return the share of the content words `mine` that the client said, 0 to 1."""
    return len(mine & theirs) / len(mine) if mine else 0.0


@lru_cache(maxsize=TURNS)
def _reflecting(text: str, previous: str) -> tuple[Sentence, ...]:
    """Return the sentences of a therapist's turn that reflect, given the client's last turn."""
    asked = {question.text for question in questions(text)}
    found = []
    whole, theirs = heard(text), content_set(previous)
    checks, telling = whole.runs("questions.check"), whole.runs(*_TELLING)
    stems_of, end = each_stem(whole.words), 0
    for sentence in whole.sentences:
        run, begin = sentence.run, end
        end += len(sentence.words)
        if run in checks and is_check(sentence):
            continue
        if asked and sentence.text in asked and not is_statement(sentence):
            continue
        reflects = _tells(sentence) if run in telling else None
        if reflects is None:
            reflects = _of_you(sentence) or _restates(stems_of[begin:end], theirs)
        if reflects:
            found.append(sentence)
    return tuple(found)


def reflections(text: str, previous: str = "") -> tuple[str, ...]:
    """Return the sentences of a therapist's turn that reflect, given the client's last turn.

    A statement with a rising voice ("So you feel stuck?") is a reflection, a real question is not.
    Metaphors in new words are not seen.
    """
    return tuple(sentence.text for sentence in _reflecting(text, previous))


def is_statement(sentence: Sentence) -> bool:
    """Tell whether a sentence with a question mark has the word order of a statement."""
    if sentence.has("questions.invitation", "questions.order"):
        return False
    start = opening(sentence)
    if any(at <= start + 2 for at in sentence.starts("reflections.stem")):
        return True
    first = ("questions.inverted", "questions.wide", "questions.fact")
    return all(at > start + 1 for name in first for at in sentence.starts(name))


def kind(text: str, previous: str = "") -> Reflection | None:
    """Return the kind of a turn's strongest reflection, or None."""
    found = _reflecting(text, previous)
    if not found:
        return None
    if any(sentence.has("reflections.adds") for sentence in found):
        return Reflection.COMPLEX
    feelings = {hit.text for sentence in found for hit in sentence.hits("feelings.named")}
    if feelings and not feelings <= _feelings(previous):
        return Reflection.COMPLEX
    mine = frozenset(stems([word for sentence in found for word in sentence.words]))
    taken = _taken(mine, content_set(previous))
    return Reflection.COMPLEX if taken < RESTATED / 2 else Reflection.SIMPLE


def _feelings(text: str) -> set[str]:
    """Return the words in which `text` names feelings."""
    if not has(text, "feelings.named"):
        return set()
    return {hit.text for one in heard(text).sentences for hit in one.hits("feelings.named")}


def has_reflection(text: str, previous: str = "") -> bool:
    """Tell whether a turn reflects anything."""
    return bool(_reflecting(text, previous))
