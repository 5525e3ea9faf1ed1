"""Goodbyes, and goodbyes that do not end."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from measures.heard import Sentence, has, heard
from measures.tokens import KEPT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.turn import Turn

SHORT_SENTENCE = 6
"""Words up to which a sentence with the bare word `bye` is a goodbye rather than a story."""
SHORT_TURN = 12
"""Words up to which a turn of courtesies is empty of anything else."""
LOOP = 2
"""Surplus turns that make a loop; one more goodbye is manners."""


def _is_goodbye_sentence(sentence: Sentence) -> bool:
    if sentence.has("farewell.parting"):
        return True
    return len(sentence.words) <= SHORT_SENTENCE and sentence.has("farewell.word")


@lru_cache(maxsize=KEPT)
def is_farewell(text: str) -> bool:
    """Tell whether a turn says goodbye: one of its last three sentences parts.

    A turn that only tells of a goodbye ("I never got to say goodbye to my mother") is not one, and
    neither is one that asks something at its end: the session goes on.
    """
    if text.rstrip("\"')]").endswith("?") or not has(text, "farewell.parting", "farewell.word"):
        return False
    last = heard(text).sentences[-3:]
    if last[-1].asks:
        return False
    return any(_is_goodbye_sentence(sentence) for sentence in last)


@lru_cache(maxsize=KEPT)
def is_courtesy(text: str) -> bool:
    """Tell whether a turn is a few polite words and nothing else ("Thank you, you too.")."""
    said = heard(text)
    return len(said.words) <= SHORT_TURN and said.has("farewell.courtesy") and "?" not in text


def _tail_start(turns: Sequence[Turn]) -> int:
    """Return the position where the unbroken row of goodbyes and courtesies at the end begins."""
    start = len(turns)
    while start and (is_farewell(turns[start - 1].text) or is_courtesy(turns[start - 1].text)):
        start -= 1
    while start < len(turns) and not is_farewell(turns[start].text):
        start += 1  # thanks before the first goodbye belong to the session
    return start


def goodbye_loop_start(turns: Sequence[Turn]) -> int | None:
    """Return the position in `turns` from which surplus goodbyes are to be cut, or None.

    A session ends with one goodbye of each speaker. What follows in an unbroken row of goodbyes
    and courtesies is surplus once it is two turns or more.
    """
    said: set[str] = set()
    for at in range(_tail_start(turns), len(turns)):
        if len(said) == 2:
            return at if len(turns) - at >= LOOP else None
        if is_farewell(turns[at].text):
            said.add(turns[at].speaker)
        elif said:
            said.add(turns[at].speaker)  # a courtesy answers a goodbye
    return None
