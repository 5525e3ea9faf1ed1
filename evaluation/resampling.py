"""Intervals and tests over sessions, by scipy.

A conversation may give several scenarios; their scores are not independent. So what is
resampled, and what changes its sign, is the session (`group`), with all its scenarios.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEVEL = 0.95
PERMUTATIONS = 9999
ALL_EQUAL = "every value is the same, so an interval by resampling says nothing"
ONE_GROUP = "one session only, so there is nothing to resample"
FEW_GROUPS = 10
"""Below this many sessions intervals are Student's."""
STUDENT = "fewer than ten sessions: Student's t interval over sessions"
WILSON = "all wins or all losses: Wilson's interval over sessions"
PERCENTILE = "percentile interval: the bias-corrected one cannot be computed here"


@dataclass(frozen=True)
class Clusters:
    """Values summed by session: `sums[g]` over `counts[g]` values of session g."""

    sums: Floats
    counts: Floats
    constant: bool

    @property
    def mean(self) -> float:
        """Mean over values, not over sessions."""
        return float(self.sums.sum() / self.counts.sum())

    @property
    def error(self) -> float:
        """Standard error of the mean: that of a ratio of sums (Cochran, 1977, Sampling Techniques).

        0 with one session, since nothing is known of how sessions differ.
        """
        groups = len(self.counts)
        if groups < 2:
            return 0.0
        residuals = self.sums - self.mean * self.counts
        variance = groups / (groups - 1) * float(residuals @ residuals)
        return float(variance**0.5) / float(self.counts.sum())


@dataclass(frozen=True)
class Bounds:
    """A 95% interval, or the mean twice and the reason why there is none.

    `note` also says when it is not the bootstrap's.
    """

    low: float
    high: float
    note: str = ""


def cluster(values: Sequence[float], groups: Sequence[str]) -> Clusters:
    """Sum `values` by their session. Sessions are put in order of name, so order is no matter."""
    names, where = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    numbers = np.asarray(values, dtype=np.float64)
    sums = np.bincount(where, weights=numbers, minlength=len(names)).astype(np.float64)
    counts = np.bincount(where, minlength=len(names)).astype(np.float64)
    return Clusters(sums, counts, constant=bool(np.ptp(numbers) == 0))


def interval(
    clusters: Clusters, *, samples: int, seed: int, limits: tuple[float, float] | None = None
) -> Bounds:
    """Return the 95% interval of the mean.

    From `FEW_GROUPS` sessions on by `scipy.stats.bootstrap`, sessions resampled: bias-corrected
    and accelerated (Efron, 1987), by percentiles where that is undefined. With fewer, resampling
    gives intervals that are much too narrow (Cameron, Gelbach & Miller, 2008), so it is Student's
    t over sessions.

    Args:
        clusters: Values by session.
        samples: Resamples.
        seed: Seed of the resampling.
        limits: The lowest and highest mean there can be; a t interval is cut there.
    """
    mean = clusters.mean
    if clusters.constant:
        return Bounds(mean, mean, ALL_EQUAL)
    groups = len(clusters.counts)
    if groups < 2:
        return Bounds(mean, mean, ONE_GROUP)
    if groups < FEW_GROUPS:
        return _student(clusters, limits)
    for method, note in (("BCa", ""), ("percentile", PERCENTILE)):
        with warnings.catch_warnings():
            # scipy warns of degenerate resamples and returns nan; nan is handled here
            warnings.simplefilter("ignore", stats.DegenerateDataWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            result = stats.bootstrap(
                (clusters.sums, clusters.counts),
                _ratio,
                paired=True,
                vectorized=True,
                n_resamples=samples,
                confidence_level=LEVEL,
                method=method,
                rng=np.random.default_rng(seed),
            )
        low, high = (float(bound) for bound in result.confidence_interval)
        if np.isfinite(low) and np.isfinite(high):
            return Bounds(low, high, note)
    return _student(clusters, limits)


def _student(clusters: Clusters, limits: tuple[float, float] | None) -> Bounds:
    """Return the t interval of a mean over clusters of unequal size.

    There is one degree of freedom fewer than there are sessions.
    """
    groups, mean, error = len(clusters.counts), clusters.mean, clusters.error
    if error == 0:
        return Bounds(mean, mean, ALL_EQUAL)
    low, high = stats.t.interval(LEVEL, groups - 1, loc=mean, scale=error)
    lowest, highest = limits or (float("-inf"), float("inf"))
    return Bounds(max(lowest, float(low)), min(highest, float(high)), STUDENT)


def share_interval(clusters: Clusters, *, samples: int, seed: int) -> Bounds:
    """Return the interval of a share of wins, values 0, 0.5 and 1.

    When every value is 0 or every value is 1 there is nothing to resample, and a share of 100%
    would look certain; then it is Wilson's (1927) interval for as many trials as sessions.
    """
    share, trials = clusters.mean, len(clusters.counts)
    if not clusters.constant or share not in (0.0, 1.0):
        return interval(clusters, samples=samples, seed=seed, limits=(0.0, 1.0))
    found = stats.binomtest(int(share * trials), trials).proportion_ci(LEVEL, method="wilson")
    return Bounds(float(found.low), float(found.high), WILSON)


def sign_test(clusters: Clusters, *, seed: int) -> float | None:
    """Return the two-sided p of a mean difference by `scipy.stats.permutation_test`.

    The sign of each session's summed difference is flipped: exact when there are few sessions,
    9999 random flips otherwise. None when every difference is 0 or there is one session: then
    no flip can tell anything.
    """
    if not clusters.sums.any() or len(clusters.sums) < 2:
        return None
    result = stats.permutation_test(
        (clusters.sums,),
        _total,
        permutation_type="samples",
        vectorized=True,
        n_resamples=PERMUTATIONS,
        rng=np.random.default_rng(seed),
    )
    return float(result.pvalue)


def wilcoxon(clusters: Clusters) -> float | None:
    """Return the two-sided p of `scipy.stats.wilcoxon` on sessions' mean differences.

    Zero differences are left out (Wilcoxon, 1945); None when all are zero.
    """
    means = clusters.sums / clusters.counts
    if np.count_nonzero(means) < 2:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of ties: its p is then approximate
        return float(stats.wilcoxon(means).pvalue)


def holm(values: Sequence[float | None]) -> list[float | None]:
    """Correct p values for being many by `statsmodels` (Holm, 1979, Scand J Statist 6(2)).

    None stays None and is not counted.
    """
    from statsmodels.stats.multitest import multipletests

    tested = [index for index, p in enumerate(values) if p is not None]
    corrected: list[float | None] = [None] * len(values)
    if tested:
        found = multipletests([values[index] for index in tested], method="holm")[1]
        for index, p in zip(tested, found, strict=True):
            corrected[index] = float(p)
    return corrected


def _ratio(sums: Floats, counts: Floats, axis: int = -1) -> Floats:
    return np.asarray(np.sum(sums, axis=axis) / np.sum(counts, axis=axis), dtype=np.float64)


def _total(sums: Floats, axis: int = -1) -> Floats:
    return np.asarray(np.sum(sums, axis=axis), dtype=np.float64)
