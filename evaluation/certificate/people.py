"""The judge beside people: one more rater, held to how well people agree with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from domain.base import seed_of
from evaluation.certificate.agreement import (
    alpha,
    estimated,
    icc_agreement,
    kappa,
    spearman,
)
from evaluation.certificate.certificate import Agreement, People, PeopleCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evaluation.certificate.agreement import Figure, Floats
    from evaluation.certificate.figures import Scores
    from evaluation.certificate.labels import Labels, Rated

    Pairwise = Callable[[Floats], float | None]


def beside_people(
    labels: Labels, scores: Scores, criteria: Sequence[str], seed: int
) -> PeopleCheck:
    """Compare on every criterion that both the judge and people have rated."""
    found: dict[str, People] = {}
    used: set[int] = set()
    for criterion in criteria:
        rows, groups, places = _rows(labels.rated, scores, criterion)
        if len(rows):
            used.update(places)
            found[criterion] = _people(rows, groups, seed_of(seed, "people", criterion))
    return PeopleCheck(
        source=labels.source,
        sha256=labels.sha256,
        how=labels.how,
        rated=len(labels.rated),
        left_out=len(labels.rated) - len(used),
        criteria=found,
    )


def _rows(
    rated: Sequence[Rated], scores: Scores, criterion: str
) -> tuple[Floats, list[str], list[int]]:
    """Return [N, 1 + raters]: the judge's mean over a thing's replies, then people's ratings."""
    rows, groups, places = [], [], []
    for place, thing in enumerate(rated):
        given = thing.ratings.get(criterion, ())
        judged = [s for item in thing.items if (s := scores.of(item, criterion)) is not None]
        if judged and np.isfinite(given).any():
            rows.append([sum(judged) / len(judged), *given])
            groups.append(thing.group)
            places.append(place)
    return np.asarray(rows, dtype=np.float64), groups, places


def people_halo(labels: Labels, one: str, other: str, seed: int) -> Figure | None:
    """Return Spearman's rho between people's ratings on two criteria; None where one has none."""
    rows, groups = [], []
    for thing in labels.rated:
        pair = [_mean(thing.ratings.get(criterion, ())) for criterion in (one, other)]
        if np.isfinite(pair).all():
            rows.append(pair)
            groups.append(thing.group)
    own = seed_of(seed, "people", one, other)
    return estimated(spearman, np.asarray(rows), groups, seed=own) if rows else None


def _mean(given: Sequence[float]) -> float:
    known = [value for value in given if np.isfinite(value)]
    return sum(known) / len(known) if known else float("nan")


def _people(rows: Floats, groups: Sequence[str], seed: int) -> People:
    raters = rows.shape[1] - 1
    means = np.column_stack([rows[:, 0], np.nanmean(rows[:, 1:], axis=1)])
    return People(
        raters=raters,
        judge=_agreement(means, groups, seed, spearman, kappa),
        among=_among(rows[:, 1:], groups, seed) if raters > 1 else None,
    )


def _agreement(
    rows: Floats, groups: Sequence[str], seed: int, rho: Pairwise, weighted: Pairwise
) -> Agreement:
    return Agreement(
        spearman=estimated(rho, rows, groups, seed=seed),
        kappa=estimated(weighted, rows, groups, seed=seed),
        icc=estimated(_icc_of_complete, rows, groups, seed=seed),
        alpha=estimated(alpha, rows, groups, seed=seed),
    )


def _among(ratings: Floats, groups: Sequence[str], seed: int) -> Agreement:
    """People beside each other: each against the mean of the rest, and all at once."""
    return _agreement(ratings, groups, seed, _one_by_one(spearman), _one_by_one(kappa))


def _one_by_one(statistic: Pairwise) -> Pairwise:
    """Return the mean of `statistic` over raters, each against the mean of the others."""

    def over_raters(ratings: Floats) -> float | None:
        found = [_against_rest(ratings, place, statistic) for place in range(ratings.shape[1])]
        known = [value for value in found if value is not None]
        return sum(known) / len(known) if known else None

    return over_raters


def _against_rest(ratings: Floats, place: int, statistic: Pairwise) -> float | None:
    rest = np.delete(ratings, place, axis=1)
    both = np.isfinite(ratings[:, place]) & np.isfinite(rest).any(axis=1)
    if not both.any():
        return None
    return statistic(np.column_stack([ratings[both, place], np.nanmean(rest[both], axis=1)]))


def _icc_of_complete(rows: Floats) -> float | None:
    """Return ICC(2,1) over the things that every rater has rated."""
    return icc_agreement(rows[np.isfinite(rows).all(axis=1)])
