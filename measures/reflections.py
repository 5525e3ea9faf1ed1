"""Reflections: a therapist gives back what the client said or feels."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from measures.content import content_set, shared
from measures.lexicon import has, hits
from measures.questions import is_check, opening, questions
from measures.tokens import sentences, words

RESTATED = 0.5
"""Share of a sentence's content words taken from the client from which it restates."""


class Reflection(StrEnum):
    """MITI 4.2.1: a simple reflection restates, a complex one adds meaning or feeling."""

    SIMPLE = "simple"
    COMPLEX = "complex"


def _gives_back(sentence: str, previous: str) -> bool:
    """Tell whether one sentence reflects: by its opening, or by the client's own words."""
    if has(sentence, "advice.advice"):
        return False
    start = opening(sentence)
    stems = hits(sentence).get("reflections.stem", ())
    if any(hit.start <= start + 2 for hit in stems):
        return True
    if len(content_set(sentence)) < 2 or shared(sentence, previous) < RESTATED:
        return False
    heard = words(sentence)
    return any(word.startswith("you") for word in heard[start : start + 3])


@lru_cache(maxsize=16384)
def reflections(text: str, previous: str = "") -> tuple[str, ...]:
    """Return the sentences of a therapist's turn that reflect, given the client's last turn.

    A statement with a rising voice ("So you feel stuck?") is a reflection, a real question is not.
    Metaphors in new words are not seen.
    """
    asked = {question.text for question in questions(text)}
    found = []
    for sentence in sentences(text):
        if is_check(sentence):
            continue
        if sentence in asked and not _is_statement(sentence):
            continue
        if _gives_back(sentence, previous):
            found.append(sentence)
    return tuple(found)


def _is_statement(sentence: str) -> bool:
    """Tell whether a sentence with a question mark has the word order of a statement."""
    found = hits(sentence)
    asks = ("questions.wide", "questions.fact", "questions.invitation")
    if any(name in found for name in asks):
        return False
    start = opening(sentence)
    return all(hit.start > start for hit in found.get("questions.inverted", ()))


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
