"""How well a cast shows the shares it was asked for."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from scipy.stats import chisquare

from domain.base import Noun
from domain.casting import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from campaigns.casting.deal import Quota
    from domain.scenario import PlanItem

LEAST_P = 0.01
MOST_POINTS = 5.0
NEVER = 1e-6
"""Shares below it are of what is never cast."""


class ValueFit(Noun):
    """One value of a dimension: the share asked for, and the one there is."""

    value: str
    asked: float
    got: float


class DimensionFit(Noun):
    """One dimension. `p` is that of a chi-square test against the shares asked for."""

    dimension: str
    p: float
    worst_points: float
    """Largest distance of a value's share, in points of a hundred."""
    values: tuple[ValueFit, ...]

    @property
    def met(self) -> bool:
        """Whether the shares are kept: p over 0.01 and nothing off by more than 5 points."""
        return self.p > LEAST_P and self.worst_points <= MOST_POINTS


class Fitness(Noun):
    """A cast beside its quota."""

    personas: int
    unknown: int
    """Personas with a value that the pack does not have; they are counted in no dimension."""
    dimensions: tuple[DimensionFit, ...]

    @property
    def met(self) -> bool:
        """Whether every dimension's shares are kept."""
        return all(one.met for one in self.dimensions)


def fitness_of(quota: Quota, items: Iterable[PlanItem]) -> Fitness:
    """Compare a cast with the shares it was to show."""
    counts = [Counter[int]() for _ in DIMENSIONS]
    known = unknown = 0
    for item in items:
        places = quota.places(item)
        if places is None:
            unknown += 1
            continue
        known += 1
        for count, place in zip(counts, places, strict=True):
            count[place] += 1
    return Fitness(
        personas=known + unknown,
        unknown=unknown,
        dimensions=tuple(
            _fit(name, quota.marginal(name), count, known)
            for name, count in zip(DIMENSIONS, counts, strict=True)
        )
        if known
        else (),
    )


def _fit(name: str, asked: dict[str, float], counts: Counter[int], known: int) -> DimensionFit:
    values = tuple(
        ValueFit(value=key, asked=share, got=counts[at] / known)
        for at, (key, share) in enumerate(asked.items())
    )
    cast = [one for one in values if one.asked > NEVER]
    whole = sum(one.asked for one in cast)
    strays = any(one.got for one in values if one.asked <= NEVER)
    p = 0.0 if strays else 1.0
    if len(cast) > 1 and not strays:
        got = [one.got * known for one in cast]
        p = float(chisquare(got, [one.asked / whole * known for one in cast]).pvalue)
    worst = max(abs(one.got - one.asked) for one in values)
    return DimensionFit(dimension=name, p=p, worst_points=100 * worst, values=values)
