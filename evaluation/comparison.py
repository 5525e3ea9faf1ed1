"""One model against another on one criterion, scenario by scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from domain.base import seed_of
from evaluation.paired import FEW
from evaluation.power import power_of
from evaluation.resampling import cluster, interval, share_interval, sign_test, wilcoxon
from evaluation.summary import Difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evaluation.paired import Paired

ALPHA = 0.05
WIDEST = 4.0
"""The largest difference of two scores from 1 to 5."""


def difference_of(pair: Paired, *, samples: int, seed: int) -> Difference | None:
    """Compare two variants over the scenarios where both have a score; None where there is none.

    Over fewer than `FEW` sessions nothing is tested: a p that cannot reach 0.05 whatever the scores
    are says nothing, and would only weaken the correction of the others.

    Args:
        pair: Their scores.
        samples: Bootstrap resamples.
        seed: Seed of bootstrap and permutations.
    """
    name = pair.name
    gaps = [float(mine - theirs) for mine, theirs in zip(pair.mine, pair.theirs, strict=True)]
    if not gaps:
        return None
    clusters = cluster(gaps, pair.sessions)
    few = len(clusters.counts) < FEW
    bounds = interval(
        clusters, samples=samples, seed=seed_of(seed, "difference", *name), limits=(-WIDEST, WIDEST)
    )
    won = cluster([(np.sign(gap) + 1) / 2 for gap in gaps], pair.sessions)
    win_bounds = share_interval(won, samples=samples, seed=seed_of(seed, "wins", *name))
    spread = deviation(gaps)
    return Difference(
        criterion=pair.criterion,
        variant=pair.variant,
        against=pair.against,
        n=len(gaps),
        groups=len(clusters.counts),
        mean=clusters.mean,
        low=bounds.low,
        high=bounds.high,
        p=None if few else sign_test(clusters, seed=seed_of(seed, "test", *name)),
        p_holm=None,
        significant=False,
        effect=clusters.mean / spread if spread else None,
        wins=sum(gap > 0 for gap in gaps),
        ties=sum(gap == 0 for gap in gaps),
        losses=sum(gap < 0 for gap in gaps),
        win_share=won.mean,
        win_low=win_bounds.low,
        win_high=win_bounds.high,
        reason=_reason(gaps, len(clusters.counts)),
        note=bounds.note,
        p_wilcoxon=None if few else wilcoxon(clusters),
        power=power_of(clusters),
    )


def _reason(gaps: Sequence[float], sessions: int) -> str:
    if not any(gaps):
        return "the two have the same score in every scenario"
    if sessions < FEW:
        return f"{sessions} sessions are too few for any difference to reach {ALPHA}"
    return ""


def deviation(values: Sequence[float]) -> float:
    """Return the sample standard deviation; 0 for fewer than two values."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
