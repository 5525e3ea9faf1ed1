"""Content words: what a text is about, without function words."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from measures.heard import heard
from measures.lexicon import word_set
from measures.tokens import KEPT, stem

if TYPE_CHECKING:
    from collections.abc import Sequence


WORDS = 32768
"""Words whose stems are kept."""


@lru_cache(maxsize=1)
def _skipped() -> frozenset[str]:
    """Return function words and fillers with their stems, so that `thinking` goes with `think`."""
    function = word_set("stopwords.function") | word_set("stopwords.filler")
    return function | frozenset(stem(word) for word in function if len(word) > 3)


@lru_cache(maxsize=1)
def _trade() -> frozenset[str]:
    return frozenset(stem(word) for word in word_set("stopwords.trade"))


@lru_cache(maxsize=KEPT)
def content(text: str) -> tuple[str, ...]:
    """Return the stems of the content words of `text`, in order."""
    return stems(heard(text).words)


def stems(words: Sequence[str]) -> tuple[str, ...]:
    """Return the stems of the content words among `words`, in order."""
    return tuple(filter(None, map(_stem_of, words)))


def each_stem(words: Sequence[str]) -> list[str]:
    """Return for each of `words` its stem, nothing where it is no content word."""
    return list(map(_stem_of, words))


class _Stems(dict[str, str]):
    """By word its stem, where it is a content word, else nothing.

    A dictionary, and no function whose results are kept: every word of every turn is looked up,
    and this takes a third of the time.
    """

    def __missing__(self, word: str) -> str:
        if len(self) >= WORDS:
            self.clear()
        skipped = _skipped()
        found = "" if len(word) <= 2 or word in skipped else stem(word)
        found = self[word] = "" if found in skipped else found
        return found


_stem_of = _Stems().__getitem__
"""Return the stem of a content word, nothing for any other."""


@lru_cache(maxsize=KEPT)
def content_set(text: str) -> frozenset[str]:
    """Return the different content stems of `text`."""
    return frozenset(content(text))


@lru_cache(maxsize=KEPT)
def particulars(text: str) -> frozenset[str]:
    """Return the content stems that are not words of the trade (`session`, `feel`, `week`)."""
    return content_set(text) - _trade()


@lru_cache(maxsize=1)
def everyday() -> frozenset[str]:
    """Return the stems of everyday words, which tell little of what a text is about."""
    return frozenset(stem(word) for word in word_set("stopwords.common"))


def shared(text: str, earlier: str) -> float:
    """Return the share of the content words of `text` that stand in `earlier`, 0 to 1."""
    mine = content_set(text)
    return len(mine & content_set(earlier)) / len(mine) if mine else 0.0
