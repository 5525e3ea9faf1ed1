"""What each place of the plan is to show: a cell of the quota, and the case that shows it.

The choice at a place depends on the places before it only, so a longer plan of the same seed
begins with the shorter one.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from campaigns.casting.fit import fitted
from campaigns.casting.herding import Herd
from campaigns.casting.shares import tables_of
from campaigns.casting.world import world_of
from domain.base import seed_of
from domain.persona import RiskLevel, Style

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from campaigns.casting.grammar import Case, Grammar, Problem, Thought
    from campaigns.casting.lives import Life
    from campaigns.casting.shares import Table
    from campaigns.casting.world import Array, World
    from domain.casting import CastingSettings


@dataclass(frozen=True)
class Cell:
    """What one place of the plan is to show."""

    problem: Problem
    technique: str
    style: Style
    risk: RiskLevel
    band: tuple[int, int]
    gender: str
    culture: str
    """The background's name in the run file."""
    case: Case
    thought: Thought
    """The thought the technique is meant for."""
    lives: tuple[Life, ...]
    """The lives that fit the case at these ages."""


@dataclass(frozen=True)
class Quota:
    """The shares that a cast is to show."""

    world: World
    tables: tuple[Table, ...]
    shares: tuple[Array, ...]
    """The cells of each table, as fitted."""

    def marginal(self, dimension: str) -> dict[str, float]:
        """Return the share of each value of a dimension."""
        for table, shares in zip(self.tables, self.shares, strict=True):
            if dimension in table.names:
                own = table.names.index(dimension)
                away = tuple(axis for axis in range(shares.ndim) if axis != own)
                sums = shares.sum(axis=away).tolist()
                return dict(zip(self.world.values[dimension], sums, strict=True))
        raise KeyError(dimension)


def quota_of(grammar: Grammar, casting: CastingSettings) -> Quota:
    """Work out the shares that a cast is to show.

    Raises:
        ConfigError: The run file names what there is not, or asks for what cannot be.
        PackError: No life fits a case.
    """
    world = world_of(grammar, casting)
    tables = tables_of(world, casting)
    return Quota(world, tuple(tables), tuple(fitted(table) for table in tables))


class Dealer:
    """Deals cells to a quota, with the least worn case and thought that shows each."""

    def __init__(self, quota: Quota, seed: int) -> None:
        self._world = quota.world
        self._seed = seed
        self._dealt = 0
        self._places = Herd(quota.world, quota.tables, quota.shares, seed).deal()
        self._counts: Counter[Hashable] = Counter()

    def deal(self) -> Cell:
        """Return the next cell."""
        return self.show(next(self._places))

    def show(self, places: tuple[int, ...]) -> Cell:
        """Return a cell, given the place of its value in each of `DIMENSIONS`."""
        values = self._world.values
        problem = self._world.grammar.problems[places[0]]
        technique, band = values["technique"][places[1]], self._world.bands[places[2]]
        case, thought = self._least_worn(problem, technique, band)
        return Cell(
            problem=problem,
            technique=technique,
            style=Style(values["style"][places[4]]),
            risk=RiskLevel(values["risk"][places[3]]),
            band=band,
            gender=values["gender"][places[5]],
            culture=values["culture"][places[6]],
            case=case,
            thought=thought,
            lives=self._world.lives.within(problem, case, band),
        )

    def _least_worn(
        self, problem: Problem, technique: str, band: tuple[int, int]
    ) -> tuple[Case, Thought]:
        """Return one of the cases and thoughts that were shown least, drawn."""
        counts, name = self._counts, problem.problem
        fitting = self._fitting(problem, technique, band)
        worn = [
            (counts[thought.distortion], counts[name, case.key], counts[name, thought.text])
            for case, thought in fitting
        ]
        least = min(worn)
        best = [one for one, wear in zip(fitting, worn, strict=True) if wear == least]
        draw = random.Random(seed_of(self._seed, "deal", self._dealt))
        case, thought = best[0] if len(best) == 1 else draw.choice(best)
        self._dealt += 1
        for key in (thought.distortion, (name, case.key), (name, thought.text)):
            counts[key] += 1
        return case, thought

    def _fitting(
        self, problem: Problem, technique: str, band: tuple[int, int]
    ) -> list[tuple[Case, Thought]]:
        lives = self._world.lives
        return [
            (case, thought)
            for case, thought in self._world.fitting(problem, technique)
            if lives.within(problem, case, band)
        ]


def dealt(quota: Quota, seed: int) -> Iterator[Cell]:
    """Yield the cells of a plan for ever, in order."""
    dealer = Dealer(quota, seed)
    while True:
        yield dealer.deal()
