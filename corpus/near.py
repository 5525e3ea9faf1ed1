"""Near-duplicates by MinHash: sessions that share many runs of words, without comparing all pairs.

Broder, "On the resemblance and containment of documents" (1997); banding as in Leskovec,
Rajaraman and Ullman, "Mining of massive datasets", chapter 3. Signatures come from rensa (Rust).
What the bands bring together is held against the texts themselves, so nothing is called a
near-duplicate that is none; a pair at the threshold is missed with the chance that `recall` gives.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, combinations, pairwise, product
from typing import TYPE_CHECKING

import numpy as np

from measures.tokens import normal, runs_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

SIZE = 128
"""Hashes in a signature: an estimate of the overlap is off by 0.09 at most (1/sqrt of it)."""
RUN = 5
"""Words in a run, as `measures.diversity` has it."""
SEED = 1
"""Of the hash functions. It is no run's seed: signatures of two corpora must be comparable."""
CROWD = 64
"""Texts of one band that are all compared; in a larger crowd each is held against the first."""


def runs(text: str, n: int = RUN) -> frozenset[str]:
    """Return the different runs of `n` words in `text`; a shorter text is one run."""
    said = [word for run in runs_of(normal(text)) for word in run]
    if len(said) < n:
        return frozenset([" ".join(said)] if said else ())
    return frozenset(map(" ".join, zip(*(said[shift:] for shift in range(n)), strict=False)))


def signatures(texts: Sequence[str]) -> NDArray[np.uint32]:
    """Return the MinHash signature of each text, [texts, SIZE].

    Words are hashed in Rust and runs of them folded by NumPy: a string for each run would take
    longer than all the rest.
    """
    from rensa import RMinHash

    said = [text.split() for text in map(_plain, texts)]
    hashes = RMinHash.hash_token_sets(said)
    counts = np.array(list(map(len, said)), dtype=np.int64)
    words = np.fromiter(chain.from_iterable(hashes), np.uint64, int(counts.sum()))
    flat, lengths = _folded(words, counts)
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.uint64)
    rows = RMinHash.digest_matrix_from_flat_token_hashes(flat, ends, SIZE, SEED)
    return np.array(rows.to_rows(), dtype=np.uint32).reshape(len(texts), SIZE)


def _plain(text: str) -> str:
    """Return the words of a text with blanks between, as `measures.tokens` finds them."""
    return " ".join(word for run in runs_of(normal(text)) for word in run)


def _folded(
    words: NDArray[np.uint64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Fold every run of `RUN` words into a number; return them, and how many each text has.

    A text of fewer words is one run, and an empty one none.
    """
    short = (counts < RUN) & (counts > 0)
    lengths = np.where(short, 1, np.maximum(counts - RUN + 1, 0))
    first = np.cumsum(counts) - counts
    begins = np.repeat(first, lengths) + _within(lengths)
    width = np.repeat(np.minimum(counts, RUN), lengths)
    folded = np.zeros(len(begins), dtype=np.uint64)
    for step in range(RUN):  # a polynomial in a large odd number; it wraps, as it is meant to
        inside = step < width
        word = words[np.minimum(begins + step, max(len(words) - 1, 0))] if len(words) else folded
        folded = np.where(inside, (folded + word) * np.uint64(0x9E3779B97F4A7C15), folded)
        folded = np.where(inside, folded ^ (folded >> np.uint64(29)), folded)
    return folded, lengths


def _within(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the items of each group from 0."""
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def rows_for(threshold: float) -> int:
    """Return how many hashes a band has so that a pair at `threshold` is found 98 times in 100."""
    fitting = [rows for rows in (1, 2, 4, 8, 16) if recall(threshold, rows) >= 0.98]
    return max(fitting, default=1)


def recall(overlap: float, rows: int) -> float:
    """Return the chance that a pair of texts with this overlap shares a band."""
    return float(1 - (1 - overlap**rows) ** (SIZE // rows))


def bands(signature: NDArray[np.uint32], rows: int) -> NDArray[np.uint64]:
    """Fold each band of `rows` hashes into one number, [texts, SIZE / rows]."""
    parts = signature.reshape(len(signature), SIZE // rows, rows).astype(np.uint64)
    folded = np.zeros(parts.shape[:2], dtype=np.uint64)
    for row in range(rows):  # FNV-1a, on hashes in place of bytes; it wraps, as it is meant to
        folded = (folded ^ parts[:, :, row]) * np.uint64(1099511628211)
    return folded


def near_pairs(texts: Sequence[str], threshold: float) -> tuple[tuple[int, int], ...]:
    """Return pairs (i, j), i < j, whose runs overlap by `threshold` or more (Jaccard)."""
    held = [runs(text) for text in texts]
    return tuple(
        sorted(pair for pair in _likely(texts, threshold) if _overlap(held, pair) >= threshold)
    )


def near_across(
    first: Sequence[str], second: Sequence[str], threshold: float
) -> tuple[tuple[int, int], ...]:
    """Return pairs (i of first, j of second) that overlap by `threshold` or more."""
    found = near_pairs([*first, *second], threshold)
    split = len(first)
    return tuple((i, j - split) for i, j in found if i < split <= j)


def _likely(texts: Sequence[str], threshold: float) -> set[tuple[int, int]]:
    if len(texts) < 2:
        return set()
    folded = bands(signatures(texts), rows_for(threshold))
    pairs: set[tuple[int, int]] = set()
    for band in range(folded.shape[1]):
        together: dict[int, list[int]] = defaultdict(list)
        for at, value in enumerate(folded[:, band].tolist()):
            together[value].append(at)
        for crowd in together.values():
            pairs.update(_of_crowd(crowd))
    return pairs


def _of_crowd(crowd: list[int]) -> Iterator[tuple[int, int]]:
    if len(crowd) <= CROWD:
        return combinations(crowd, 2)
    return ((i, j) for i, j in {*product(crowd[:1], crowd[1:]), *pairwise(crowd)} if i < j)


def _overlap(held: Sequence[frozenset[str]], pair: tuple[int, int]) -> float:
    one, other = held[pair[0]], held[pair[1]]
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0
