"""Content words: what a text is about, without function words."""

from __future__ import annotations

from functools import lru_cache

from measures.lexicon import word_set
from measures.tokens import stem, words


@lru_cache(maxsize=16384)
def content(text: str) -> tuple[str, ...]:
    """Return the stems of the content words of `text`, in order."""
    skipped = word_set("stopwords.function") | word_set("stopwords.filler")
    return tuple(stem(word) for word in words(text) if word not in skipped and len(word) > 2)


@lru_cache(maxsize=16384)
def content_set(text: str) -> frozenset[str]:
    """Return the different content stems of `text`."""
    return frozenset(content(text))


@lru_cache(maxsize=16384)
def particulars(text: str) -> frozenset[str]:
    """Return the content stems that are not words of the trade (`session`, `feel`, `week`)."""
    trade = word_set("stopwords.trade")
    skipped = frozenset(stem(word) for word in trade)
    return content_set(text) - skipped


def shared(text: str, earlier: str) -> float:
    """Return the share of the content words of `text` that stand in `earlier`, 0 to 1."""
    mine = content_set(text)
    return len(mine & content_set(earlier)) / len(mine) if mine else 0.0
