"""From verdicts on replies and their twins to a certificate's figures."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from domain.base import seed_of
from evaluation.certificate.agreement import SAMPLES, Figure, estimated, icc_single, spearman
from evaluation.certificate.certificate import Halo, Injection, Preference, Repeat
from evaluation.certificate.material import material
from evaluation.resampling import cluster, interval, share_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evaluation.certificate.agreement import Floats
    from evaluation.certificate.bases import Base
    from evaluation.certificate.item import JudgeItem, Verdicts
    from evaluation.certificate.twins import Trials, Twin

WIDEST = 4.0
"""The largest shift on a scale of 1 to 5."""


class Scores:
    """Scores by reply and criterion; verdicts without one are absent."""

    def __init__(self, found: Mapping[str, Verdicts]) -> None:
        self._scores = {
            (name, verdict.criterion): verdict.score
            for name, verdicts in found.items()
            for verdict in verdicts.verdicts
            if verdict.score is not None
        }

    def of(self, item: JudgeItem, criterion: str) -> int | None:
        """Return the reply's score, or None."""
        return self._scores.get((item.answer.judged_id, criterion))


def failures_of(rounds: Iterable[Mapping[str, Verdicts]]) -> tuple[int, dict[str, int]]:
    """Return how many verdicts there are, and those without a score by reason."""
    verdicts = [one for found in rounds for each in found.values() for one in each.verdicts]
    failed = Counter(
        one.failure.split(":")[0].strip() or "unknown" for one in verdicts if one.score is None
    )
    return len(verdicts), dict(sorted(failed.items()))


def repeats(bases: Sequence[Base], rounds: Sequence[Scores], criterion: str, seed: int) -> Repeat:
    """Return self-agreement over replies that have a score in every round."""
    rows, groups = _complete(bases, rounds, criterion)
    steady = [float(np.ptp(row) == 0) for row in rows]
    own = seed_of(seed, "repeats", criterion)
    return Repeat(
        icc=estimated(icc_single, rows, groups, seed=own), same=share(steady, groups, own)
    )


def _complete(
    bases: Sequence[Base], rounds: Sequence[Scores], criterion: str
) -> tuple[Floats, list[str]]:
    """Return [N, K] scores of the replies without a gap, and their groups."""
    rows, groups = [], []
    for base in bases:
        found = [scores.of(base.item, criterion) for scores in rounds]
        known = [float(score) for score in found if score is not None]
        if len(known) == len(rounds):
            rows.append(known)
            groups.append(base.group)
    return np.asarray(rows, dtype=np.float64).reshape(len(rows), len(rounds)), groups


def length(bases: Sequence[Base], rounds: Sequence[Scores], criterion: str, seed: int) -> Figure:
    """Return Spearman's rho of words and mean score."""
    means = _means(bases, rounds, criterion)
    rows = [(float(len(base.item.text.split())), mean) for base, mean in means]
    groups = [base.group for base, _ in means]
    return estimated(spearman, _pairs(rows), groups, seed=seed_of(seed, "length", criterion))


def halo(
    bases: Sequence[Base], rounds: Sequence[Scores], criteria: Sequence[str], seed: int
) -> list[Halo]:
    """Return Spearman's rho of each pair of criteria over replies' mean scores."""
    found = []
    for one, other in combinations(criteria, 2):
        seconds = {id(base): mean for base, mean in _means(bases, rounds, other)}
        both = [
            (base, mean, seconds[id(base)])
            for base, mean in _means(bases, rounds, one)
            if id(base) in seconds
        ]
        rows = _pairs([(first, second) for _, first, second in both])
        groups = [base.group for base, _, _ in both]
        own = seed_of(seed, "halo", one, other)
        found.append(Halo(criteria=(one, other), judge=estimated(spearman, rows, groups, seed=own)))
    return found


def _means(
    bases: Sequence[Base], rounds: Sequence[Scores], criterion: str
) -> list[tuple[Base, float]]:
    found = []
    for base in bases:
        known = [s for scores in rounds if (s := scores.of(base.item, criterion)) is not None]
        if known:
            found.append((base, sum(known) / len(known)))
    return found


def _pairs(rows: Sequence[tuple[float, float]]) -> Floats:
    return np.asarray(rows, dtype=np.float64).reshape(len(rows), 2)


def shift(twins: Sequence[Twin], scores: Scores, criteria: Sequence[str], seed: int) -> Figure:
    """Return the mean of changed minus plain, over pairs that have both scores."""
    found = [(gap, twin.group) for twin in twins for gap in _gaps(twin, scores, criteria)]
    if not found:
        return Figure(value=None, n=0, note="nothing to go by")
    gaps, groups = zip(*found, strict=True)
    clusters = cluster(gaps, groups)
    bounds = interval(clusters, samples=SAMPLES, seed=seed, limits=(-WIDEST, WIDEST))
    return Figure(
        value=clusters.mean, low=bounds.low, high=bounds.high, n=len(gaps), note=bounds.note
    )


def _gaps(twin: Twin, scores: Scores, criteria: Sequence[str]) -> list[float]:
    pairs = [(scores.of(twin.plain, one), scores.of(twin.changed, one)) for one in criteria]
    return [float(new - old) for old, new in pairs if old is not None and new is not None]


def share(values: Sequence[float], groups: Sequence[str], seed: int) -> Figure:
    """Return the share of ones in zeros and ones."""
    if not values:
        return Figure(value=None, n=0, note="nothing to go by")
    clusters = cluster(values, groups)
    bounds = share_interval(clusters, samples=SAMPLES, seed=seed)
    return Figure(
        value=clusters.mean, low=bounds.low, high=bounds.high, n=len(values), note=bounds.note
    )


def worse(
    trials: Trials, scores: Scores, criteria: Sequence[str], seed: int
) -> dict[str, Preference]:
    """Return, for each kind of flaw, how often the original wins on what the flaw hurts.

    A kind that hurts none of the judged criteria is held against all of them.
    """
    found = {}
    for kind in material().worse:
        hurt = tuple(one for one in kind.hurts if one in criteria) or tuple(criteria)
        twins = [
            (twin, gaps)
            for twin in trials.worse
            if twin.kind == kind.key and len(gaps := _gaps(twin, scores, hurt)) == len(hurt)
        ]
        won = [float(sum(gaps) < 0) for _, gaps in twins]
        found[kind.key] = Preference(
            criteria=hurt,
            preferred=share(won, [twin.group for twin, _ in twins], seed_of(seed, kind.key)),
            ties=sum(sum(gaps) == 0 for _, gaps in twins),
            floored=sum(all(scores.of(twin.plain, one) == 1 for one in hurt) for twin, _ in twins),
        )
    return found


def injection(
    twins: Sequence[Twin], scores: Scores, criteria: Sequence[str], seed: int
) -> Injection:
    """Return what payloads did, over all criteria; the payload is what is resampled."""
    changed, groups = [], []
    by_kind: dict[str, list[float]] = defaultdict(list)
    for twin in twins:
        gaps = _gaps(twin, scores, criteria)
        changed += [float(gap != 0) for gap in gaps]
        groups += [twin.group] * len(gaps)
        by_kind[twin.kind] += gaps
    return Injection(
        shift=shift(twins, scores, criteria, seed),
        changed=share(changed, groups, seed),
        by_kind={kind: sum(gaps) / len(gaps) for kind, gaps in by_kind.items() if gaps},
    )
