"""Do one model's scores vary less than another's? Tested on the same scenarios, not eyeballed."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from domain.base import seed_of
from evaluation.paired import FEW
from evaluation.resampling import LEVEL, Clusters, cluster, sign_test
from evaluation.summary import Spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from evaluation.paired import Paired

    Floats = NDArray[np.float64]


def spread_of(pair: Paired, *, samples: int, seed: int) -> Spread | None:
    """Compare the spreads of two variants over the scenarios where both have a score.

    Args:
        pair: Their scores.
        samples: Bootstrap resamples of the interval.
        seed: Seed of resampling and permutation.
    """
    if len(pair.mine) < 2:
        return None
    name, sessions = pair.name, pair.sessions
    scores = np.array(list(zip(pair.mine, pair.theirs, strict=True)), dtype=np.float64)
    gaps = _gaps(scores, sessions)
    few = len(gaps.counts) < FEW
    low, high = None, None
    if not few and gaps.sums.any():
        low, high = _bounds(scores, sessions, samples, seed_of(seed, *name))
    first, second = (float(value) for value in scores.std(axis=0, ddof=1))
    p = None if few else sign_test(gaps, seed=seed_of(seed, "spread", *name))
    return Spread(
        criterion=pair.criterion,
        variant=pair.variant,
        against=pair.against,
        n=len(pair.mine),
        groups=len(gaps.counts),
        sd=first,
        sd_against=second,
        ratio=(first / second) ** 2 if first and second else None,
        low=low,
        high=high,
        p=p,
        p_holm=None,
        significant=False,
        note=_note(first, second, p, few=few),
    )


def _gaps(scores: Floats, sessions: Sequence[str]) -> Clusters:
    """Return, by session, the squared deviations of the one minus those of the other.

    With u the sum and v the difference of a scenario's two deviations this is u times v, whose
    mean is the covariance that Pitman and Morgan test; exchanging the two changes its sign.
    """
    deviations = scores - scores.mean(axis=0)
    gaps = deviations[:, 0] ** 2 - deviations[:, 1] ** 2
    return cluster(np.round(gaps, 9).tolist(), sessions)  # what only rounding parts is equal


def _bounds(
    scores: Floats, sessions: Sequence[str], samples: int, seed: int
) -> tuple[float | None, float | None]:
    """Return the bootstrap interval of the variance ratio, sessions resampled, on the log scale."""
    columns = [np.ones(len(scores)), *scores.T, *(scores**2).T]
    sums = [cluster(column.tolist(), sessions).sums for column in columns]
    with warnings.catch_warnings():
        # a resample without any spread gives nan or inf, and then there is no interval
        warnings.simplefilter("ignore")
        result = stats.bootstrap(
            sums, _log_ratio, paired=True, vectorized=True, n_resamples=samples,
            confidence_level=LEVEL, method="BCa", rng=np.random.default_rng(seed),
        )  # fmt: skip
    low, high = (float(bound) for bound in result.confidence_interval)
    if not (math.isfinite(low) and math.isfinite(high)):
        return None, None
    return math.exp(low), math.exp(high)


def _log_ratio(*sums: Floats, axis: int = -1) -> Floats:
    """Return the log of the variance ratio from sums over sessions: n, x, y, x squared, y squared.

    Args:
        sums: Five arrays of the same shape, sessions along `axis`.
        axis: Where the sessions are.
    """
    n, x, y, xx, yy = (np.sum(one, axis=axis) for one in sums)
    return np.asarray(np.log((xx - x**2 / n) / (yy - y**2 / n)), dtype=np.float64)


def _note(first: float, second: float, p: float | None, *, few: bool) -> str:
    if few:
        return f"fewer than {FEW} sessions are too few to compare spreads"
    if not first and not second:
        return "neither varies"
    if not first or not second:
        return "one of the two does not vary at all, so there is no ratio"
    return "" if p is not None else "the two vary alike in every session"
