"""Questions of a therapist, open and closed."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from measures.lexicon import has, hits, word_set
from measures.tokens import KEPT, sentences, words


class Question(NamedTuple):
    """One question: its sentence, and whether it can be answered at length."""

    text: str
    open: bool


def opening(sentence: str) -> int:
    """Return how many fillers ("okay, so, um") stand before the sentence's first real word."""
    fillers, heard = word_set("stopwords.filler"), words(sentence)
    at = 0
    while at < len(heard) - 1 and heard[at] in fillers:
        at += 1
    return at


def is_check(sentence: str) -> bool:
    """Tell whether the sentence only checks what was heard ("Is that right?")."""
    if not has(sentence, "questions.check"):
        return False
    found = hits(sentence)["questions.check"]
    start, length = opening(sentence), len(words(sentence))
    return length <= 8 and any(hit.start <= start and hit.end >= length - 1 for hit in found)


def _is_open(sentence: str) -> bool:
    """Read the first asking word that is not inside a yes/no question."""
    found = hits(sentence)
    start = opening(sentence)
    if "questions.invitation" in found:
        wondering_if = any(word in words(sentence)[:9] for word in ("if", "whether"))
        return not wondering_if or "questions.wide" in found
    wide = [hit.start for hit in found.get("questions.wide", ())]
    inverted = [hit.start for hit in found.get("questions.inverted", ())]
    if inverted and inverted[0] == start and (not wide or wide[0] > start):
        return False
    fact = [hit.start for hit in found.get("questions.fact", ())]
    return bool(wide) and (not fact or wide[0] < fact[0])


@lru_cache(maxsize=KEPT)
def questions(text: str) -> tuple[Question, ...]:
    """Return the questions of a turn in order, checks of what was heard left out.

    A sentence asks when it ends in a question mark or opens with a request ("Tell me more").
    Irony, and questions a transcriber closed with a full stop, are not seen.
    """
    found = []
    invited = has(text, "questions.invitation")
    for sentence in sentences(text):
        asks = sentence.rstrip("\"')]").endswith("?")
        if asks and is_check(sentence):
            continue
        if not asks and invited and has(sentence, "questions.invitation"):
            invites = hits(sentence)["questions.invitation"]
            asks = any(hit.start <= opening(sentence) + 1 for hit in invites)
        if asks:
            found.append(Question(sentence, _is_open(sentence)))
    return tuple(found)


def has_question(text: str) -> bool:
    """Tell whether a turn asks anything."""
    return bool(questions(text))


def only_closed(text: str) -> bool:
    """Tell whether a turn asks, and every question in it is closed."""
    asked = questions(text)
    return bool(asked) and not any(question.open for question in asked)
