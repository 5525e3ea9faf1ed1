"""Questions of a therapist, open and closed."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from measures.heard import Sentence, heard
from measures.lexicon import word_set
from measures.tokens import KEPT

CHECK = 8
"""Words up to which a question can be a check of what was heard."""


class Question(NamedTuple):
    """One question: its sentence, and whether it can be answered at length."""

    text: str
    open: bool


def opening(sentence: Sentence) -> int:
    """Return how many fillers ("okay, so, um") stand before the sentence's first real word."""
    fillers, words = word_set("stopwords.filler"), sentence.words
    if words[0] not in fillers:  # nearly all begin so
        return 0
    at = 0
    while at < len(words) - 1 and words[at] in fillers:
        at += 1
    return at


def is_check(sentence: Sentence) -> bool:
    """Tell whether the sentence only checks what was heard ("Is that right?")."""
    length = len(sentence.words)
    if length > CHECK or not sentence.has("questions.check"):
        return False
    start, found = opening(sentence), sentence.hits("questions.check")
    return any(hit.start <= start and hit.end >= length - 1 for hit in found)


def _is_open(sentence: Sentence) -> bool:
    """Read the first asking word that is not inside a yes/no question."""
    wide = sentence.starts("questions.wide")
    if sentence.has("questions.invitation"):
        wondering_if = any(word in sentence.words[:9] for word in ("if", "whether"))
        return not wondering_if or bool(wide)
    start, inverted = opening(sentence), sentence.starts("questions.inverted")
    if inverted and inverted[0] == start and (not wide or wide[0] > start):
        return False
    fact = sentence.starts("questions.fact")
    return bool(wide) and (not fact or wide[0] < fact[0])


@lru_cache(maxsize=KEPT)
def questions(text: str) -> tuple[Question, ...]:
    """Return the questions of a turn in order, checks of what was heard left out.

    A sentence asks when it ends in a question mark or opens with a request ("Tell me more").
    Irony, and questions a transcriber closed with a full stop, are not seen.
    """
    found = []
    whole = heard(text)
    invited = whole.runs("questions.invitation")
    if not invited and "?" not in text:
        return ()
    for sentence in whole.sentences:
        asks = "?" in sentence.text and sentence.asks
        if not asks and sentence.run not in invited:  # nearly all
            continue
        if asks and is_check(sentence):
            continue
        if not asks:
            invites = sentence.starts("questions.invitation")
            asks = bool(invites) and min(invites) <= opening(sentence) + 1
        if asks:
            found.append(Question(sentence.text, _is_open(sentence)))
    return tuple(found)


def has_question(text: str) -> bool:
    """Tell whether a turn asks anything."""
    return bool(questions(text))


def only_closed(text: str) -> bool:
    """Tell whether a turn asks, and every question in it is closed."""
    asked = questions(text)
    return bool(asked) and not any(question.open for question in asked)
