"""From verdicts to what may be said: means, paired differences, spreads, win rates.

Every variant is compared on the scenarios where both it and the other have a score. A verdict
without a score is counted and left out; it is never a low score.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from domain.base import seed_of
from evaluation.bradleyterry import pairings_of, strengths
from evaluation.comparison import ALPHA, deviation, difference_of
from evaluation.controls.outcome import controls_of
from evaluation.paired import Paired, paired
from evaluation.resampling import cluster, holm, interval
from evaluation.scores import Scores, models_only, scores_of
from evaluation.spread import spread_of
from evaluation.summary import (
    CONTROLS,
    REFERENCE,
    Difference,
    JudgeFailure,
    Mean,
    Spread,
    Summary,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from domain.verdict import Verdict

Tested = TypeVar("Tested", Difference, Spread)

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
    every, shown = scores_of(verdicts), [one for one in verdicts if one.variant not in CONTROLS]
    scores, failures = models_only(every), _failures(shown)
    criteria = sorted({verdict.criterion for verdict in shown})
    variants = ordered(verdict.variant for verdict in shown)
    means = [
        _mean(variant, criterion, scores, failures, groups, samples, seed)
        for variant in variants
        for criterion in criteria
        if scores.get((variant, criterion))
    ]
    pairs = [
        _paired(scores, (criterion, one, other), groups)
        for criterion in criteria
        for one, other in comparisons(variants)
    ]
    differences = [
        found for pair in pairs if (found := difference_of(pair, samples=samples, seed=seed))
    ]
    spreads = [spread for pair in pairs if (spread := spread_of(pair, samples=samples, seed=seed))]
    return Summary(
        alpha=ALPHA,
        bootstrap_samples=samples,
        means=tuple(means),
        differences=_corrected(differences),
        spreads=_corrected(spreads),
        failures=tuple(
            JudgeFailure(variant=variant, criterion=criterion, reason=reason, count=count)
            for (variant, criterion, reason), count in sorted(failures.items())
        ),
        controls=tuple(controls_of(verdicts, every, groups, samples=samples, seed=seed)),
        strengths=tuple(
            strength
            for criterion in criteria
            for strength in strengths(
                pairings_of(scores, criterion, [v for v in variants if v != REFERENCE], groups),
                criterion,
            )
        ),
    )


def _paired(scores: Scores, name: tuple[str, str, str], groups: Mapping[str, str]) -> Paired:
    criterion, variant, against = name
    mine, theirs = scores.get((variant, criterion), {}), scores.get((against, criterion), {})
    return paired(name, mine, theirs, groups)


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
    values = [score for _, score in found]
    clusters = cluster(values, [groups[scenario] for scenario, _ in found])
    own = seed_of(seed, "mean", variant, criterion)
    bounds = interval(clusters, samples=samples, seed=own, limits=(1.0, 5.0))
    counts = Counter(int(score + 0.5) for _, score in found)
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
        sd=deviation(values),
        median=float(np.median(values)),
        counts=(counts[1], counts[2], counts[3], counts[4], counts[5]),
        note=bounds.note,
    )


def _corrected(found: Sequence[Tested]) -> tuple[Tested, ...]:
    """Correct one family of tests for being many; what cannot be tested is no part of it."""
    corrected = holm([one.p for one in found])
    return tuple(
        one.model_copy(update={"p_holm": p, "significant": p is not None and p < ALPHA})
        for one, p in zip(found, corrected, strict=True)
    )
