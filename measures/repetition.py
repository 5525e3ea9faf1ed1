"""A speaker who says the same thing again."""

from __future__ import annotations

import math
from collections import defaultdict
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from measures.heard import heard
from measures.tokens import KEPT, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.turn import Speaker, Turn

NEAR = 0.6
"""Overlap of word pairs from which two turns of a speaker are near repeats."""
SHORT = 5
"""Words up to which a repeated turn is only manners ("I see, go on.")."""


@lru_cache(maxsize=KEPT)
def ngrams(text: str, n: int) -> frozenset[tuple[str, ...]]:
    """Return the different runs of `n` words in `text`."""
    said = words(text)
    return frozenset(zip(*(said[shift:] for shift in range(n)), strict=False))


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
    said: dict[Speaker, list[Turn]] = defaultdict(list)
    for turn in turns:
        own = said[turn.speaker]
        at = _repeated(turn.text, tuple([one.text for one in own]), threshold)
        if at is not None:
            found.append((own[at].index, turn.index))
        own.append(turn)
    return tuple(found)


@lru_cache(maxsize=KEPT)
def _repeated(text: str, earlier: tuple[str, ...], threshold: float) -> int | None:
    """Return which of a speaker's `earlier` turns, the last such, the turn `text` nearly repeats.

    Kept, because a revision is measured with the turns it keeps.
    """
    mine = word_pairs(text)
    if mine is None:
        return None
    size = len(mine)
    least, most = threshold * size, size / threshold if threshold else math.inf
    # So many of mine that a turn with none of them shares less than `least`.
    some = tuple(islice(mine, int(size - least) + 1))
    for at in range(len(earlier) - 1, -1, -1):
        theirs = word_pairs(earlier[at])
        # Else the sizes alone keep them apart, or what they do not share.
        if (
            theirs is not None
            and least <= len(theirs) <= most
            and not (least and theirs.isdisjoint(some))
        ):
            shared = len(mine & theirs)
            if shared / (size + len(theirs) - shared) >= threshold:
                return at
    return None


@lru_cache(maxsize=KEPT)
def word_pairs(text: str) -> frozenset[str] | None:
    """Return the different word pairs of a turn, or None where it is too short to be a repeat."""
    said = heard(text)
    return said.pairs if len(said.words) > SHORT else None


def repetition_share(turns: Sequence[Turn]) -> float:
    """Return the share of turns that nearly repeat an earlier one of their speaker, 0 to 1."""
    return len(near_repeats(turns)) / len(turns) if turns else 0.0


def babble(text: str) -> float:
    """Return the share of word pairs in `text` that repeat within it, 0 (none) to 1."""
    said = heard(text)
    pairs = len(said.words) - 1
    return 1 - len(said.pairs) / pairs if pairs > 0 else 0.0
