"""Reflections: a therapist gives back what the client said or feels."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from measures.content import content_set, shared
from measures.lexicon import has, hits
from measures.questions import is_check, opening, questions
from measures.tokens import KEPT, sentences, words

RESTATED = 0.5
"""Share of a sentence's content words taken from the client from which it restates."""
RESTATING_WORDS = 12
"""Content words up to which a sentence can be a restatement; longer ones are speeches."""
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


def _gives_back(sentence: str, previous: str) -> bool:
    """Tell whether one sentence reflects: by its opening, or by the client's own words."""
    start, heard = opening(sentence), words(sentence)
    if has(sentence, *_TELLING):
        elsewhere = hits(sentence).get("reflections.not_the_client", ())
        if any(hit.start <= start + 1 for hit in elsewhere):
            return False
        if has(sentence, "advice.advice", "farewell.parting"):
            return False
        stems = hits(sentence).get("reflections.stem", ())
        if any(hit.start <= start + 2 for hit in stems):
            return len(heard) - start >= 3
    if any(word in _YOU for word in heard[start : start + 2]) and len(heard) - start >= 4:
        return True
    mine = content_set(sentence)
    return 1 <= len(mine) <= RESTATING_WORDS and shared(sentence, previous) >= RESTATED


@lru_cache(maxsize=KEPT)
def reflections(text: str, previous: str = "") -> tuple[str, ...]:
    """Return the sentences of a therapist's turn that reflect, given the client's last turn.

    A statement with a rising voice ("So you feel stuck?") is a reflection, a real question is not.
    Metaphors in new words are not seen.
    """
    asked = {question.text for question in questions(text)}
    found = []
    checks = has(text, "questions.check")
    for sentence in sentences(text):
        if checks and is_check(sentence):
            continue
        if sentence in asked and not is_statement(sentence):
            continue
        if _gives_back(sentence, previous):
            found.append(sentence)
    return tuple(found)


def is_statement(sentence: str) -> bool:
    """Tell whether a sentence with a question mark has the word order of a statement."""
    found = hits(sentence)
    asks = ("questions.invitation", "questions.order")
    if any(name in found for name in asks):
        return False
    start = opening(sentence)
    if any(hit.start <= start + 2 for hit in found.get("reflections.stem", ())):
        return True
    first = ("questions.inverted", "questions.wide", "questions.fact")
    return all(hit.start > start + 1 for name in first for hit in found.get(name, ()))


def kind(text: str, previous: str = "") -> Reflection | None:
    """Return the kind of a turn's strongest reflection, or None."""
    found = reflections(text, previous)
    if not found:
        return None
    whole = " ".join(found)
    new_feeling = has(whole, "feelings.named") and not _same_feeling(whole, previous)
    if has(whole, "reflections.adds") or new_feeling or shared(whole, previous) < RESTATED / 2:
        return Reflection.COMPLEX
    return Reflection.SIMPLE


def _same_feeling(text: str, previous: str) -> bool:
    mine = {hit.text for hit in hits(text).get("feelings.named", ())}
    theirs = {hit.text for hit in hits(previous).get("feelings.named", ())}
    return mine <= theirs


def has_reflection(text: str, previous: str = "") -> bool:
    """Tell whether a turn reflects anything."""
    return bool(reflections(text, previous))
