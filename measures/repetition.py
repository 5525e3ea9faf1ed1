"""A speaker who says the same thing again."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from measures.tokens import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.turn import Turn

NEAR = 0.6
"""Overlap of word pairs from which two turns of a speaker are near repeats."""
SHORT = 5
"""Words up to which a repeated turn is only manners ("I see, go on.")."""


@lru_cache(maxsize=16384)
def ngrams(text: str, n: int) -> frozenset[tuple[str, ...]]:
    """Return the different runs of `n` words in `text`."""
    heard = words(text)
    return frozenset(zip(*(heard[shift:] for shift in range(n)), strict=False))


def jaccard(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
    """Return the overlap of two sets: shared over all, 0 to 1 (Jaccard, 1901)."""
    union = len(one | other)
    return len(one & other) / union if union else 0.0


def near_repeats(turns: Sequence[Turn], threshold: float = NEAR) -> tuple[tuple[int, int], ...]:
    """Return pairs (earlier, later) of turn indexes where a speaker nearly repeats a turn.

    Overlap of word pairs, Jaccard; turns of up to `SHORT` words are left out. A thought said again
    in other words is not seen.
    """
    found = []
    for at, turn in enumerate(turns):
        if len(words(turn.text)) <= SHORT:
            continue
        mine = ngrams(turn.text, 2)
        for earlier in reversed(turns[:at]):
            if earlier.speaker is turn.speaker and len(words(earlier.text)) > SHORT:
                theirs = ngrams(earlier.text, 2)
                if _may_reach(mine, theirs, threshold) and jaccard(mine, theirs) >= threshold:
                    found.append((earlier.index, turn.index))
                    break
    return tuple(found)


def _may_reach(
    one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]], threshold: float
) -> bool:
    """Tell whether two sets are near enough in size to overlap by `threshold`."""
    small, large = sorted((len(one), len(other)))
    return small >= threshold * large


def repetition_share(turns: Sequence[Turn]) -> float:
    """Return the share of turns that nearly repeat an earlier one of their speaker, 0 to 1."""
    return len(near_repeats(turns)) / len(turns) if turns else 0.0


def babble(text: str) -> float:
    """Return the share of word pairs in `text` that repeat within it, 0 (none) to 1."""
    heard = words(text)
    pairs = len(heard) - 1
    return 1 - len(ngrams(text, 2)) / pairs if pairs > 0 else 0.0
