"""How far apart two sets of vectors are: MMD, MAUVE; and how varied one set is: Vendi."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from corpus.compare.result import Permuted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float64]

SCALE = 5.0
"""c of MAUVE's curve, as its authors set it."""
MIXTURES = 25
PER_BUCKET = 10
"""Texts for each bucket of the quantisation, as in the authors' `num_buckets="auto"`."""
_EXPLAINED = 0.9


def mmd(
    first: Vectors,
    first_sessions: NDArray[np.int64],
    second: Vectors,
    second_sessions: NDArray[np.int64],
    permutations: int,
    seed: int,
) -> Permuted:
    """Return the unbiased squared maximum mean discrepancy, and how often chance reaches it.

    Gretton et al., "A kernel two-sample test", JMLR 13 (2012), eq. 3, with an RBF kernel of the
    median distance. Whole sessions are permuted: utterances of one session are no independent
    draws, and permuting them finds differences that are not there.
    """
    kernel = _kernel(np.concatenate([first, second]))
    np.fill_diagonal(kernel, 0.0)  # the unbiased form leaves a text's likeness to itself out
    offset = first_sessions.max() + 1
    _, at, sizes = np.unique(
        np.concatenate([first_sessions, second_sessions + offset]),
        return_inverse=True, return_counts=True,
    )  # fmt: skip
    member = np.zeros((len(at), len(sizes)))
    member[np.arange(len(at)), at] = 1.0
    between = member.T @ kernel @ member
    is_first = np.zeros(len(sizes))
    is_first[np.unique(at[: len(first)])] = 1.0
    found = _discrepancy(between, sizes, is_first[None])[0]
    rng = np.random.default_rng((seed, permutations))
    drawn = np.stack([rng.permutation(is_first) for _ in range(permutations)])
    by_chance = _discrepancy(between, sizes, drawn)
    reached = int((by_chance >= found).sum())
    return Permuted(
        value=float(found),
        p=(1 + reached) / (1 + permutations),
        by_chance=float(np.quantile(by_chance, 0.95)),
        permutations=permutations,
    )


def _kernel(vectors: Vectors) -> Vectors:
    """RBF with the median of the squared distances (Gretton et al., section 8)."""
    from scipy.spatial.distance import pdist, squareform

    apart = pdist(vectors, "sqeuclidean")
    width = float(np.median(apart)) or 1.0
    return np.asarray(np.exp(-squareform(apart) / width), dtype=np.float64)


def _discrepancy(between: Vectors, sizes: NDArray[np.int64], is_first: Vectors) -> Vectors:
    """Return MMD² for each row of `is_first` [draws, sessions]."""
    other = 1.0 - is_first
    n, m = is_first @ sizes, other @ sizes
    own = ((is_first @ between) * is_first).sum(axis=1) / np.maximum(n * (n - 1), 1)
    theirs = ((other @ between) * other).sum(axis=1) / np.maximum(m * (m - 1), 1)
    cross = ((is_first @ between) * other).sum(axis=1) / np.maximum(n * m, 1)
    return np.asarray(own + theirs - 2 * cross, dtype=np.float64)


def mauve(first: Vectors, second: Vectors, seed: int) -> float:
    """Return MAUVE, 0 (nothing alike) to 1 (the same).

    Pillutla et al., "MAUVE: measuring the gap between neural text and human text using divergence
    frontiers", NeurIPS 2021: both sides are quantised together by k-means on their principal
    components, and the area is taken under the frontier of their divergences. Few texts raise the
    value, so compare equal numbers only.
    """
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    both = np.concatenate([first, second])
    distinct = len(np.unique(both.round(9), axis=0))
    if distinct < 2:
        return 1.0
    parts = PCA(_EXPLAINED, svd_solver="full", random_state=seed).fit_transform(both)
    lengths = np.linalg.norm(parts, axis=1, keepdims=True)
    parts = parts / np.where(lengths > 0, lengths, 1)
    buckets = max(2, round(min(len(first), len(second)) / PER_BUCKET))
    labels = KMeans(min(buckets, distinct), n_init=5, random_state=seed).fit_predict(parts)
    p = np.bincount(labels[: len(first)], minlength=buckets) / len(first)
    q = np.bincount(labels[len(first) :], minlength=buckets) / len(second)
    return frontier_area(p, q)


def frontier_area(p: Vectors, q: Vectors) -> float:
    """Return the area under the divergence frontier of two distributions over the same buckets.

    For a mixture r = w·p + (1-w)·q the frontier has the point (exp(-c·KL(q|r)), exp(-c·KL(p|r)))
    (Pillutla et al., eq. 1 and 2). The area is the mean of both ways to integrate.
    """
    weights = np.linspace(1e-6, 1 - 1e-6, MIXTURES)
    mixed = [weight * p + (1 - weight) * q for weight in weights]
    x = np.exp(-SCALE * np.array([0.0, *(_kl(q, r) for r in mixed), np.inf]))
    y = np.exp(-SCALE * np.array([np.inf, *(_kl(p, r) for r in mixed), 0.0]))
    x[0], y[-1] = 1.0, 1.0
    return float((abs(np.trapezoid(y, x)) + abs(np.trapezoid(x, y))) / 2)


def _kl(p: Vectors, r: Vectors) -> float:
    held = p > 0
    return float((p[held] * np.log(p[held] / r[held])).sum())


def vendi(likeness: Vectors) -> float:
    """Return how many texts that have nothing in common would be as varied as these.

    The Vendi score: the exponential of the entropy of the eigenvalues of K/n, with K the cosine
    between every two, [n, n] (Friedman and Dieng, TMLR 2023). It grows with their number: compare
    equal ones.
    """
    values = np.linalg.eigvalsh(likeness / len(likeness))
    values = values[values > 1e-12]
    values = values / values.sum()
    return float(np.exp(-(values * np.log(values)).sum()))
