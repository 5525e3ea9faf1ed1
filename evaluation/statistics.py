"""From verdicts to what may be said: means, paired differences, spreads, win rates.

Every variant is compared on the scenarios where both it and the other have a score. A verdict
without a score is counted and left out; it is never a low score.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

from domain.base import seed_of
from evaluation.resampling import brown_forsythe, cluster, holm, interval, share_interval, sign_test
from evaluation.summary import REFERENCE, Difference, JudgeFailure, Mean, Spread, Summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from domain.verdict import Verdict

    Scores = dict[tuple[str, str], dict[str, int]]
    """(variant, criterion) -> scenario id -> score."""

ALPHA = 0.05
FEW = 6
"""Below this many sessions a two-sided permutation test cannot reach 0.05: 2 / 2**5 > 0.05."""
ORDER = ("base", "shuffled", "real", "real-oversampled", "synthetic", "hybrid")


def ordered(variants: Iterable[str]) -> list[str]:
    """Sort variants as they are shown: base first, own names after ours, the reference last."""
    known = {name: place for place, name in enumerate(ORDER)}
    return sorted(
        set(variants), key=lambda name: (name == REFERENCE, known.get(name, len(known)), name)
    )


def comparisons(variants: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pairs (variant, against) that are tested: the question first, controls last."""
    present = [name for name in variants if name != REFERENCE]
    asked = [("hybrid", "real"), ("hybrid", "real-oversampled"), ("hybrid", "synthetic")]
    asked += [(name, "base") for name in reversed(present) if name not in ("base", "shuffled")]
    asked += [("real", "shuffled")]
    return [(one, other) for one, other in asked if one in present and other in present]


def summarise(
    verdicts: Sequence[Verdict], groups: Mapping[str, str], *, samples: int, seed: int
) -> Summary:
    """Compute everything that the report says about scores.

    Args:
        verdicts: One for each scenario, variant and criterion.
        groups: Session (group) of each scenario id.
        samples: Bootstrap resamples.
        seed: Seed of bootstrap and permutations.

    Returns:
        The summary; it does not depend on the order of `verdicts`.
    """
    scores, failures = scores_of(verdicts), _failures(verdicts)
    criteria = sorted({verdict.criterion for verdict in verdicts})
    variants = ordered(verdict.variant for verdict in verdicts)
    means = [
        _mean(variant, criterion, scores, failures, groups, samples, seed)
        for variant in variants
        for criterion in criteria
        if scores.get((variant, criterion))
    ]
    pairs = [
        (criterion, one, other) for criterion in criteria for one, other in comparisons(variants)
    ]
    differences = [
        found for pair in pairs if (found := _difference(*pair, scores, groups, samples, seed))
    ]
    spreads = [spread for pair in pairs if (spread := _spread(*pair, scores))]
    return Summary(
        alpha=ALPHA,
        bootstrap_samples=samples,
        means=tuple(means),
        differences=tuple(_corrected_differences(differences)),
        spreads=tuple(_corrected_spreads(spreads)),
        failures=tuple(
            JudgeFailure(variant=variant, criterion=criterion, reason=reason, count=count)
            for (variant, criterion, reason), count in sorted(failures.items())
        ),
    )


def scores_of(verdicts: Iterable[Verdict]) -> Scores:
    """Return the scores by (variant, criterion) and scenario; verdicts without one are absent."""
    scores: Scores = defaultdict(dict)
    for verdict in verdicts:
        if verdict.score is not None:
            scores[verdict.variant, verdict.criterion][verdict.scenario_id] = verdict.score
    return dict(scores)


def _failures(verdicts: Sequence[Verdict]) -> Counter[tuple[str, str, str]]:
    """Count verdicts without a score by the first clause of their reason."""
    return Counter(
        (verdict.variant, verdict.criterion, verdict.failure.split(":")[0].strip() or "unknown")
        for verdict in verdicts
        if verdict.score is None
    )


def _mean(
    variant: str,
    criterion: str,
    scores: Scores,
    failures: Counter[tuple[str, str, str]],
    groups: Mapping[str, str],
    samples: int,
    seed: int,
) -> Mean:
    found = sorted(scores[variant, criterion].items())
    values = [float(score) for _, score in found]
    clusters = cluster(values, [groups[scenario] for scenario, _ in found])
    own = seed_of(seed, "mean", variant, criterion)
    bounds = interval(clusters, samples=samples, seed=own, limits=(1.0, 5.0))
    counts = Counter(score for _, score in found)
    return Mean(
        variant=variant,
        criterion=criterion,
        n=len(values),
        groups=len(clusters.counts),
        failures=sum(
            count
            for (who, what, _), count in failures.items()
            if (who, what) == (variant, criterion)
        ),
        mean=clusters.mean,
        low=bounds.low,
        high=bounds.high,
        sd=_sd(values),
        median=float(np.median(values)),
        counts=(counts[1], counts[2], counts[3], counts[4], counts[5]),
        note=bounds.note,
    )


def _difference(
    criterion: str,
    variant: str,
    against: str,
    scores: Scores,
    groups: Mapping[str, str],
    samples: int,
    seed: int,
) -> Difference | None:
    mine, theirs = scores.get((variant, criterion), {}), scores.get((against, criterion), {})
    shared = sorted(mine.keys() & theirs.keys())
    if not shared:
        return None
    gaps = [float(mine[scenario] - theirs[scenario]) for scenario in shared]
    sessions = [groups[scenario] for scenario in shared]
    clusters = cluster(gaps, sessions)
    name = (criterion, variant, against)
    bounds = interval(clusters, samples=samples, seed=seed_of(seed, "difference", *name))
    won = cluster([(np.sign(gap) + 1) / 2 for gap in gaps], sessions)
    win_bounds = share_interval(won, samples=samples, seed=seed_of(seed, "wins", *name))
    deviation = _sd(gaps)
    return Difference(
        criterion=criterion,
        variant=variant,
        against=against,
        n=len(gaps),
        groups=len(clusters.counts),
        mean=clusters.mean,
        low=bounds.low,
        high=bounds.high,
        p=sign_test(clusters, seed=seed_of(seed, "test", *name)),
        p_holm=None,
        significant=False,
        effect=clusters.mean / deviation if deviation else None,
        wins=sum(gap > 0 for gap in gaps),
        ties=sum(gap == 0 for gap in gaps),
        losses=sum(gap < 0 for gap in gaps),
        win_share=won.mean,
        win_low=win_bounds.low,
        win_high=win_bounds.high,
        reason=_reason(gaps, len(clusters.counts)),
        note=bounds.note,
    )


def _reason(gaps: Sequence[float], sessions: int) -> str:
    if not any(gaps):
        return "the two have the same score in every scenario"
    if sessions < FEW:
        return f"{sessions} sessions are too few for any difference to reach {ALPHA}"
    return ""


def _spread(criterion: str, variant: str, against: str, scores: Scores) -> Spread | None:
    mine, theirs = scores.get((variant, criterion), {}), scores.get((against, criterion), {})
    shared = sorted(mine.keys() & theirs.keys())
    if len(shared) < 2:
        return None
    first = [float(mine[scenario]) for scenario in shared]
    second = [float(theirs[scenario]) for scenario in shared]
    p = brown_forsythe(first, second)
    return Spread(
        criterion=criterion,
        variant=variant,
        against=against,
        sd=_sd(first),
        sd_against=_sd(second),
        p=p,
        p_holm=None,
        significant=False,
        note="" if p is not None else "neither varies, or there are too few scores to test",
    )


def _corrected_differences(found: list[Difference]) -> list[Difference]:
    corrected = holm([one.p for one in found])
    return [
        one.model_copy(update={"p_holm": p, "significant": p is not None and p < ALPHA})
        for one, p in zip(found, corrected, strict=True)
    ]


def _corrected_spreads(found: list[Spread]) -> list[Spread]:
    corrected = holm([one.p for one in found])
    return [
        one.model_copy(update={"p_holm": p, "significant": p is not None and p < ALPHA})
        for one, p in zip(found, corrected, strict=True)
    ]


def _sd(values: Sequence[float]) -> float:
    """Return the sample standard deviation; 0 for fewer than two values."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
