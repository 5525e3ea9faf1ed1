"""How different sessions are from one another."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from measures.repetition import jaccard, ngrams
from measures.tokens import words

if TYPE_CHECKING:
    from collections.abc import Sequence

NEAR_DUPLICATE = 0.3
"""Overlap of runs of five words from which two sessions are near-duplicates."""


def distinct(texts: Sequence[str], n: int) -> float:
    """Return distinct-n: different runs of `n` words over all runs (Li et al., NAACL 2016).

    It falls with the amount of text, so compare equal amounts only; and it does not catch the
    sameness of text that one model wrote.
    """
    total = 0
    seen: set[tuple[str, ...]] = set()
    for text in texts:
        heard = words(text)
        total += max(len(heard) - n + 1, 0)
        seen |= ngrams(text, n)
    return len(seen) / total if total else 0.0


def near_duplicates(
    texts: Sequence[str], n: int = 5, threshold: float = NEAR_DUPLICATE
) -> tuple[tuple[int, int], ...]:
    """Return pairs (i, j), i < j, whose runs of `n` words overlap by `threshold` or more (Jaccard).

    Exact, by way of an index from runs to texts: pairs that share nothing are never compared.
    """
    runs = [ngrams(text, n) for text in texts]
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    shared: dict[tuple[int, int], int] = defaultdict(int)
    for j, mine in enumerate(runs):
        for run in mine:
            for i in holders[run]:
                shared[i, j] += 1
            holders[run].append(j)
    return tuple(
        pair
        for pair, common in sorted(shared.items())
        if common / (len(runs[pair[0]]) + len(runs[pair[1]]) - common) >= threshold
    )


def near_duplicate_rate(texts: Sequence[str]) -> float:
    """Return the share of texts that have a near-duplicate among the others, 0 to 1."""
    twins = {at for pair in near_duplicates(texts) for at in pair}
    return len(twins) / len(texts) if texts else 0.0


def overlap(one: str, other: str, n: int = 5) -> float:
    """Return the Jaccard overlap of runs of `n` words of two texts, 0 to 1."""
    return jaccard(ngrams(one, n), ngrams(other, n))
