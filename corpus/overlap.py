"""The longest run of words that a text shares with other people's sessions, word for word.

A run counts wherever it stands within one turn. What a model was shown in its prompt is left out:
to repeat the client's words is listening, not memory. Words are compared as `measures.tokens`
cuts them, so marks and capitals do not hide a copy.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.base import Noun
from measures.tokens import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from domain.record import Record

SHORTEST = 4
"""Runs of fewer words are anybody's ("I don't know if")."""


class Overlap(Noun):
    """The longest run that one text shares with the records; 0 words where none has `SHORTEST`."""

    words: int = 0
    record_id: str = ""
    turn: int = 0


@dataclass(frozen=True)
class Said:
    """One text, and the texts that its speaker had been shown."""

    text: str
    shown: tuple[str, ...] = ()


def longest_overlaps(said: Sequence[Said], records: Iterable[Record]) -> list[Overlap]:
    """Return the longest overlap of each text with the records, which are gone through once.

    Memory grows with the texts, not with the records: theirs are looked up in the texts' shingles.
    """
    tokens = [_tokens(one.text) for one in said]
    index = _index(tokens, [_shingles(one.shown) for one in said])
    longest = [Overlap() for _ in said]
    if not index:
        return longest
    for record in records:
        for turn in record.turns:
            for number, length in _runs(_tokens(turn.text), index).items():
                if length > longest[number].words:
                    longest[number] = Overlap(words=length, record_id=record.id, turn=turn.index)
    return longest


def _tokens(text: str) -> tuple[str, ...]:
    return tuple(words(text))


def _shingles(texts: Iterable[str]) -> set[tuple[str, ...]]:
    """Return all runs of `SHORTEST` words of the texts."""
    found: set[tuple[str, ...]] = set()
    for text in texts:
        own = _tokens(text)
        found.update(own[i : i + SHORTEST] for i in range(len(own) - SHORTEST + 1))
    return found


def _index(
    tokens: Sequence[tuple[str, ...]], shown: Sequence[set[tuple[str, ...]]]
) -> dict[tuple[str, ...], list[tuple[int, int]]]:
    """Return where each shingle stands (text, word), without those that its speaker was shown."""
    index: dict[tuple[str, ...], list[tuple[int, int]]] = defaultdict(list)
    for number, own in enumerate(tokens):
        for at in range(len(own) - SHORTEST + 1):
            shingle = own[at : at + SHORTEST]
            if shingle not in shown[number]:
                index[shingle].append((number, at))
    return dict(index)


def _runs(
    own: tuple[str, ...], index: dict[tuple[str, ...], list[tuple[int, int]]]
) -> dict[int, int]:
    """Return the longest run of one turn with each text, in words.

    A run grows by a word with each further shingle that follows the last in both; one that was
    shown is in no index, and ends it.
    """
    longest: dict[int, int] = {}
    before: dict[tuple[int, int], int] = {}
    for at in range(len(own) - SHORTEST + 1):
        now: dict[tuple[int, int], int] = {}
        for number, place in index.get(own[at : at + SHORTEST], ()):
            length = before.get((number, place - 1), SHORTEST - 1) + 1
            now[number, place] = length
            longest[number] = max(longest.get(number, 0), length)
        before = now
    return longest
