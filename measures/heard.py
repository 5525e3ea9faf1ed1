"""A text heard once: its words, its sentences, and where the phrases of the lists occur in it.

Phrases never cross the end of a sentence.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate, chain, pairwise
from itertools import count as count_from
from typing import TYPE_CHECKING, NamedTuple

from measures.anchors import places
from measures.lexicon import anchors, lists, nothing
from measures.tokens import TURNS, normal, runs_of, sentences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from measures.phrases import Place

TEXTS = 256
"""Texts that are kept as heard: the turns of the few sessions that are being read."""

_Span = tuple[int, int, int]
"""A run's number, its first word's, and the one after its last."""


class Hit(NamedTuple):
    """One place where a phrase occurs: the sentence's number, and its first and last word's."""

    sentence: int
    start: int
    end: int
    text: str


class _Lists(dict[str, "Mapping[int, Sequence[Place]]"]):
    """By list name and number of the run, the places of its phrases; found when asked for."""

    __slots__ = ("_called", "_ends", "_words")

    def __init__(self, words: Sequence[str], ends: Sequence[int]) -> None:
        super().__init__(nothing())
        self._words, self._ends = words, ends
        self._called = anchors().called(words)
        for name in self._called:
            del self[name]

    def __missing__(self, name: str) -> Mapping[int, Sequence[Place]]:
        found: dict[int, list[Place]] = {}
        for place in places(self._called[name], self._words, self._ends):
            found.setdefault(place[2], []).append(place)
        self[name] = found
        return found


class Sentence:
    """One sentence of a text: as written, its words, and the phrases in it."""

    __slots__ = ("_begin", "_lists", "run", "text", "words")

    def __init__(self, text: str, whole: tuple[str, ...], lists: _Lists, span: _Span) -> None:
        self.text = text
        self.run, self._begin, end = span
        self.words = whole[self._begin : end]
        self._lists = lists

    @property
    def asks(self) -> bool:
        """Whether it ends in a question mark."""
        return "?" in self.text and self.text.rstrip("\"')]").endswith("?")

    def has(self, *names: str) -> bool:
        """Tell whether a phrase of any of the lists `names` occurs in it."""
        for name in names:  # noqa: SIM110 - asked a thousand times a session, any() takes twice as long
            if self.run in self._lists[name]:
                return True
        return False

    def hits(self, name: str) -> tuple[Hit, ...]:
        """Return where phrases of the list `name` occur; words count from the sentence's first."""
        begin = self._begin
        spans = [
            (start - begin, end - begin) for start, _, _, end in self._lists[name].get(self.run, ())
        ]
        return tuple([Hit(0, at, end, " ".join(self.words[at:end])) for at, end in spans])

    def starts(self, name: str) -> list[int]:
        """Return the numbers of the first words of the phrases of the list `name`."""
        places = self._lists[name].get(self.run)
        return [place[0] - self._begin for place in places] if places else []

    def reported(self, name: str) -> bool:
        """Tell whether its first phrase of list `name` is the client's view, told back.

        "You tell yourself that you should cope" is no advice.
        """
        first = min(self.starts(name), default=0)
        return any(hit.end <= first for hit in self.hits("reflections.reported"))


class Heard:
    """A text and its words; pairs of words, sentences and phrases are found when asked."""

    __slots__ = ("_ends", "_found", "_pairs", "_sentences", "text", "words")

    def __init__(self, text: str) -> None:
        runs = runs_of(normal(text))
        self.text = text
        self.words = tuple(chain.from_iterable(runs))
        self._ends = tuple(accumulate(map(len, runs)))
        self._pairs: frozenset[str] | None = None
        self._found: _Lists | None = None
        self._sentences: tuple[Sentence, ...] | None = None

    @property
    def _lists(self) -> _Lists:
        found = self._found
        if found is None:
            found = self._found = _Lists(self.words, self._ends)
        return found

    @property
    def pairs(self) -> frozenset[str]:
        """Its different pairs of neighbouring words; the end of a sentence parts none."""
        if self._pairs is None:
            self._pairs = frozenset(map(" ".join, pairwise(self.words)))
        return self._pairs

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """Its sentences, without empty ones."""
        if self._sentences is None:
            spans = zip(count_from(), (0, *self._ends), self._ends, strict=False)
            spoken = [span for span in spans if span[1] < span[2]]
            found = self._lists
            self._sentences = tuple(
                [
                    Sentence(written, self.words, found, span)
                    for written, span in zip(sentences(self.text), spoken, strict=True)
                ]
            )
        return self._sentences

    def has(self, *names: str) -> bool:
        """Tell whether a phrase of any of the lists `names` occurs."""
        return any(map(self._lists.__getitem__, names))

    def runs(self, *names: str) -> frozenset[int]:
        """Return the numbers of the runs in which a phrase of any of the lists `names` occurs."""
        return frozenset(chain.from_iterable(map(self._lists.__getitem__, names)))

    def first(self, name: str) -> str:
        """Return the words of the first phrase of the list `name`; empty where there is none."""
        for found in self._lists[name].values():
            start, _, _, end = found[0]
            return " ".join(self.words[start:end])
        return ""

    def hits(self) -> dict[str, tuple[Hit, ...]]:
        """Return where the phrases of every list occur; lists without a hit are absent.

        The mark that ends a sentence counts as a word.
        """
        found = {}
        for name in lists():
            runs = self._lists[name]
            if runs:
                found[name] = tuple(
                    Hit(run, start + run, end + run, " ".join(self.words[start:end]))
                    for places in runs.values()
                    for start, _, run, end in places
                )
        return found

    def count(self, *names: str) -> int:
        """Count the places where phrases of the lists `names` occur."""
        return sum(
            len({start for start, *_ in places})
            for name in names
            for places in self._lists[name].values()
        )


@lru_cache(maxsize=TEXTS)
def heard(text: str) -> Heard:
    """Return `text` as heard; the same text is read only once by all that ask about it."""
    return Heard(text)


@lru_cache(maxsize=TURNS)
def length(text: str) -> int:
    """Return how many words `text` has."""
    return len(heard(text).words)


def hits(text: str) -> Mapping[str, tuple[Hit, ...]]:
    """Return where the phrases of every list occur in `text`; lists without a hit are absent."""
    return heard(text).hits()


def has(text: str, *names: str) -> bool:
    """Tell whether a phrase of any of the lists `names` occurs in `text`."""
    return heard(text).has(*names)


def count(text: str, *names: str) -> int:
    """Count the places where phrases of the lists `names` occur in `text`."""
    return heard(text).count(*names)
