"""Advice and information given by a therapist."""

from __future__ import annotations

from functools import lru_cache

from measures.heard import Sentence, has, heard
from measures.questions import opening, questions
from measures.tokens import KEPT, unquoted, words

_LEADS = frozenset({"simple", "easy", "and", "then", "first", "please", "now", "honestly"})
"""What an order may begin with ("Simple: buy a planner.")."""


@lru_cache(maxsize=KEPT)
def advice(text: str) -> tuple[str, ...]:
    """Return the sentences that tell the client what to do.

    A question only counts when it carries advice ("Have you tried yoga?"); advice wrapped in a
    story is not seen. What stands in quotes, or is told back as the client's view, is not advice.
    """
    own = heard(unquoted(text))
    if not own.has("advice.advice", "advice.orders"):
        return ()
    return tuple(sentence.text for sentence in own.sentences if _advises(sentence))


def _advises(sentence: Sentence) -> bool:
    if sentence.has("advice.advice") and not sentence.reported("advice.advice"):
        return True
    begin = opening(sentence)
    if sentence.words[begin] in _LEADS:
        begin += 1
    return begin in sentence.starts("advice.orders")


@lru_cache(maxsize=KEPT)
def information(text: str) -> tuple[str, ...]:
    """Return the sentences that explain or inform, questions left out."""
    if not has(text, "advice.information"):
        return ()
    asked = {question.text for question in questions(text)}
    return tuple(
        sentence.text
        for sentence in heard(text).sentences
        if sentence.text not in asked and sentence.has("advice.information")
    )


def has_advice(text: str) -> bool:
    """Tell whether a turn tells the client what to do."""
    return bool(advice(text))


def asks_permission(text: str) -> bool:
    """Tell whether a turn asks leave or leaves the choice to the client."""
    return has(text, "advice.permission")


def input_share(text: str) -> float:
    """Return the share of the turn's words that stand in advice or information, 0 to 1."""
    told = dict.fromkeys((*advice(text), *information(text)))
    length = len(words(text))
    return sum(len(words(sentence)) for sentence in told) / length if length else 0.0
