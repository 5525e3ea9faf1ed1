"""One model against another on one criterion, scenario by scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from domain.base import seed_of
from evaluation.power import power_of
from evaluation.resampling import cluster, interval, share_interval, sign_test, wilcoxon
from evaluation.summary import Difference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ALPHA = 0.05
FEW = 6
"""Below this many sessions a two-sided permutation test cannot reach 0.05: 2 / 2**5 > 0.05."""


def difference_of(
    name: tuple[str, str, str],
    mine: Mapping[str, float],
    theirs: Mapping[str, float],
    groups: Mapping[str, str],
    *,
    samples: int,
    seed: int,
) -> Difference | None:
    """Compare two variants over the scenarios where both have a score; None where there is none.

    Over fewer than `FEW` sessions nothing is tested: a p that cannot reach 0.05 whatever the scores
    are says nothing, and would only weaken the correction of the others.

    Args:
        name: Criterion, variant and the variant it is held against.
        mine: Scores of the one by scenario.
        theirs: Scores of the other.
        groups: Session (or persona) of each scenario: what is drawn, and changes sign, as a whole.
        samples: Bootstrap resamples.
        seed: Seed of bootstrap and permutations.
    """
    criterion, variant, against = name
    shared = sorted(mine.keys() & theirs.keys())
    if not shared:
        return None
    gaps = [float(mine[scenario] - theirs[scenario]) for scenario in shared]
    sessions = [groups[scenario] for scenario in shared]
    clusters = cluster(gaps, sessions)
    few = len(clusters.counts) < FEW
    bounds = interval(clusters, samples=samples, seed=seed_of(seed, "difference", *name))
    won = cluster([(np.sign(gap) + 1) / 2 for gap in gaps], sessions)
    win_bounds = share_interval(won, samples=samples, seed=seed_of(seed, "wins", *name))
    spread = deviation(gaps)
    return Difference(
        criterion=criterion,
        variant=variant,
        against=against,
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
