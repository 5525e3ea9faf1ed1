"""Measures of agreement, and intervals for them by resampling groups.

A measure that is not defined (nothing varies, too few values) is None and never a number.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata
from sklearn.metrics import cohen_kappa_score

from domain.base import Noun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Statistic = Callable[[Floats], float | None]

SAMPLES = 1000
"""Resamples behind each interval."""
FEW = 5
"""Below this many groups there is no interval."""
SCALE = (1, 2, 3, 4, 5)
UNDEFINED = "not defined: the scores do not vary"
TOO_FEW = f"fewer than {FEW} groups: no interval"
OFTEN_UNDEFINED = "not defined in many resamples: no interval"


class Figure(Noun):
    """A number with its 95% interval over `n` values; None where it is not defined."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int
    note: str = ""


def spearman(pairs: Floats) -> float | None:
    """Return Spearman's rho of the two columns of [N, 2]; None where one does not vary."""
    if len(pairs) < 3 or bool((np.ptp(pairs, axis=0) == 0).any()):
        return None
    return float(np.corrcoef(rankdata(pairs[:, 0]), rankdata(pairs[:, 1]))[0, 1])


def kappa(pairs: Floats) -> float | None:
    """Return Cohen's kappa with quadratic weights of [N, 2], each value rounded to the scale."""
    whole = np.clip(np.floor(pairs + 0.5), SCALE[0], SCALE[-1]).astype(int)
    if len(whole) < 2 or np.ptp(whole) == 0:
        return None
    found = cohen_kappa_score(whole[:, 0], whole[:, 1], labels=SCALE, weights="quadratic")
    return float(found) if np.isfinite(found) else None


def icc_single(ratings: Floats) -> float | None:
    """Return ICC(1,1) of [N, K]: K exchangeable ratings of N things, one-way random effects.

    Source: Shrout & Fleiss, Psychological Bulletin 86(2), 1979.
    """
    n, k = ratings.shape
    if n < 2 or k < 2:
        return None
    means = ratings.mean(axis=1)
    between = k * float(np.var(means, ddof=1))
    within = float(((ratings - means[:, None]) ** 2).sum()) / (n * (k - 1))
    total = between + (k - 1) * within
    return (between - within) / total if total else None


def icc_agreement(ratings: Floats) -> float | None:
    """Return ICC(2,1) of [N, K]: absolute agreement of K raters, two-way random effects.

    Source: Shrout & Fleiss, Psychological Bulletin 86(2), 1979.
    """
    n, k = ratings.shape
    if n < 2 or k < 2:
        return None
    things, raters, grand = ratings.mean(axis=1), ratings.mean(axis=0), ratings.mean()
    rows = k * float(np.var(things, ddof=1))
    columns = n * float(np.var(raters, ddof=1))
    residual = ratings - things[:, None] - raters[None, :] + grand
    error = float((residual**2).sum()) / ((n - 1) * (k - 1))
    total = rows + (k - 1) * error + k * (columns - error) / n
    return (rows - error) / total if total else None


def alpha(ratings: Floats) -> float | None:
    """Return Krippendorff's alpha for interval data of [N, K]; nan where a rater gave nothing.

    Source: Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011.
    """
    counts = np.isfinite(ratings).sum(axis=1)
    paired, counts = ratings[counts > 1], counts[counts > 1]
    if not len(paired):
        return None
    observed = float((2 * _spread(paired, axis=1) / (counts - 1)).sum())
    values = paired[np.isfinite(paired)]
    expected = float(2 * _spread(values, axis=0)) / (len(values) - 1)
    return 1 - observed / expected if expected else None


def _spread(values: Floats, axis: int) -> Floats:
    """Return n times the summed squares about the mean: half the squares over ordered pairs."""
    n = np.isfinite(values).sum(axis=axis)
    mean = np.nanmean(values, axis=axis, keepdims=True)
    return np.asarray(n * np.nansum((values - mean) ** 2, axis=axis), dtype=np.float64)


def estimated(
    statistic: Statistic, rows: Floats, groups: Sequence[str], *, seed: int, samples: int = SAMPLES
) -> Figure:
    """Return `statistic` of `rows` with a percentile interval, whole groups resampled.

    Args:
        statistic: Takes [M, ...] rows; None where it is not defined.
        rows: [N, ...] values.
        groups: The group of each row (a session, a video): rows of one are not independent.
        seed: Seed of the resampling.
        samples: Resamples.
    """
    value = statistic(rows) if len(rows) else None
    if value is None:
        return Figure(value=None, n=len(rows), note=UNDEFINED if len(rows) else "nothing to go by")
    members: dict[str, list[int]] = defaultdict(list)
    for place, group in enumerate(groups):
        members[group].append(place)
    places = [np.asarray(members[group]) for group in sorted(members)]
    if len(places) < FEW:
        return Figure(value=value, n=len(rows), note=TOO_FEW)
    draws = np.random.default_rng(seed).integers(len(places), size=(samples, len(places)))
    found = [statistic(rows[np.concatenate([places[one] for one in draw])]) for draw in draws]
    defined = [one for one in found if one is not None]
    if len(defined) < 0.9 * samples:
        return Figure(value=value, n=len(rows), note=OFTEN_UNDEFINED)
    low, high = np.quantile(defined, (0.025, 0.975))
    return Figure(value=value, low=float(low), high=float(high), n=len(rows))
