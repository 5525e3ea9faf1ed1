"""Who would win against whom, as one scale: Bradley & Terry (1952), fitted by statsmodels."""

from __future__ import annotations

import warnings
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import stats

from evaluation.resampling import LEVEL
from evaluation.summary import Strength

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evaluation.scores import Scores

ADDED = "added"
"""Session name of the tie that is added to each pair."""
FEWEST_SESSIONS = 6


class Pairing(NamedTuple):
    """Two variants on one scenario: 1 when the first won, 0 when the second did, a tie 0.5."""

    first: str
    second: str
    outcome: float
    group: str


def pairings_of(
    scores: Scores, criterion: str, variants: Sequence[str], groups: Mapping[str, str]
) -> list[Pairing]:
    """Return who scored higher, for each two variants on each scenario that both have."""
    found = []
    for one, other in combinations(variants, 2):
        mine, theirs = scores.get((one, criterion), {}), scores.get((other, criterion), {})
        found += [
            Pairing(one, other, (np.sign(mine[name] - theirs[name]) + 1) / 2, groups[name])
            for name in sorted(mine.keys() & theirs.keys())
        ]
    return found


def strengths(pairings: Sequence[Pairing], criterion: str) -> list[Strength]:
    """Fit a strength for each variant; [] with fewer than two variants or six sessions.

    A tie counts as half a win for each. One tie is added to every pair that met, so that a variant
    that always wins has a strength at all. Standard errors are clustered by session; the interval
    is Student's with one degree of freedom fewer than there are sessions. Strengths are centred on
    their mean.
    """
    names = sorted({name for one in pairings for name in (one.first, one.second)})
    sessions = len({one.group for one in pairings})
    if len(names) < 2 or sessions < FEWEST_SESSIONS:
        return []
    met = sorted({(one.first, one.second) for one in pairings})
    rows = [*pairings, *(Pairing(one, other, 0.5, ADDED) for one, other in met)]
    design, centred = _design(rows, names), _centring(len(names))
    values, covariance = _fitted(design, rows)
    centre = centred @ values
    errors = np.sqrt(np.diag(centred @ covariance @ centred.T))
    half = float(stats.t.ppf((1 + LEVEL) / 2, sessions - 1)) * errors
    return [
        Strength(
            variant=name,
            criterion=criterion,
            strength=float(centre[at]),
            low=float(centre[at] - half[at]),
            high=float(centre[at] + half[at]),
            comparisons=sum(name in (one.first, one.second) for one in pairings),
        )
        for at, name in enumerate(names)
    ]


def _design(rows: Sequence[Pairing], names: Sequence[str]) -> np.ndarray:
    """Return [N, K-1]: +1 for the first, -1 for the second; the first name of all stands at 0."""
    place = {name: number for number, name in enumerate(names)}
    design = np.zeros((len(rows), len(names)))
    for at, row in enumerate(rows):
        design[at, place[row.first]] = 1
        design[at, place[row.second]] = -1
    return design[:, 1:]


def _centring(count: int) -> np.ndarray:
    """Return [K, K-1]: from strengths against the first to strengths against the mean."""
    whole = np.eye(count)[:, 1:]
    return np.asarray(whole - whole.mean(axis=0), dtype=np.float64)


def _fitted(design: np.ndarray, rows: Sequence[Pairing]) -> tuple[np.ndarray, np.ndarray]:
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    outcomes = np.array([row.outcome for row in rows], dtype=np.float64)
    _, groups = np.unique([row.group for row in rows], return_inverse=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of half wins, which are meant
        fit = GLM(outcomes, design, family=Binomial()).fit(
            cov_type="cluster", cov_kwds={"groups": groups}
        )
    return np.asarray(fit.params), np.asarray(fit.cov_params())
