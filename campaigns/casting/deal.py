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
from domain.casting import DIMENSIONS
from domain.persona import RiskLevel, Style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from campaigns.casting.grammar import Case, Grammar, Problem, Thought
    from campaigns.casting.lives import Life
    from campaigns.casting.shares import Table
    from campaigns.casting.world import Array, World
    from domain.casting import CastingSettings
    from domain.scenario import PlanItem


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
    turn: int = 0
    """How often the case was shown before, counted from a number of its own."""


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

    def places(self, item: PlanItem) -> tuple[int, ...] | None:
        """Return what an item shows, by place in each of `DIMENSIONS`; None where it is unknown."""
        persona, values = item.persona, self.world.values
        shown = {
            "problem": persona.problem,
            "technique": item.scenario.technique,
            "risk": persona.risk.value,
            "style": persona.style.value,
            "gender": persona.gender,
            "culture": self.world.culture_keys.get(persona.culture, ""),
        }
        ages = [at for at, (low, high) in enumerate(self.world.bands) if low <= persona.age <= high]
        known = all(shown[name] in values[name] for name in shown)
        if not ages or not known:
            return None
        return tuple(
            ages[0] if name == "age" else values[name].index(shown[name]) for name in DIMENSIONS
        )


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
        self._first: dict[str, int] = {}
        self._draw = random.Random(seed_of(seed, "deal"))
        self._places = Herd(quota.world, quota.tables, quota.shares, seed).deal()
        self._counts: Counter[str] = Counter()
        self._fits: dict[
            tuple[str, str, tuple[int, int]], list[tuple[Case, Thought, str, str, str]]
        ] = {}

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
            turn=self._turn(problem, case),
        )

    def _turn(self, problem: Problem, case: Case) -> int:
        name = f"{problem.problem}/{case.key}"
        if name not in self._first:
            self._first[name] = seed_of(self._seed, "turn", name) % 1000
        return self._first[name] + self._counts[name] - 1

    def _least_worn(
        self, problem: Problem, technique: str, band: tuple[int, int]
    ) -> tuple[Case, Thought]:
        """Return one of the cases and thoughts that were shown least, drawn."""
        counts, fitting = self._counts, self._fitting(problem, technique, band)
        worn = [
            (counts[kind], counts[case], counts[thought]) for _, _, kind, case, thought in fitting
        ]
        least = min(worn)
        best = [one for one, wear in zip(fitting, worn, strict=True) if wear == least]
        case, thought, *keys = best[0] if len(best) == 1 else self._draw.choice(best)
        counts.update(keys)
        return case, thought

    def _fitting(
        self, problem: Problem, technique: str, band: tuple[int, int]
    ) -> list[tuple[Case, Thought, str, str, str]]:
        """Return cases and thoughts that fit, each with what they are counted by."""
        key = (problem.problem, technique, band)
        if key not in self._fits:
            name, lives = problem.problem, self._world.lives
            self._fits[key] = [
                (case, thought, thought.distortion, f"{name}/{case.key}", f"{name}//{thought.text}")
                for case, thought in self._world.fitting(problem, technique)
                if lives.within(problem, case, band)
            ]
        return self._fits[key]


def dealt(quota: Quota, seed: int) -> Iterator[Cell]:
    """Yield the cells of a plan for ever, in order."""
    dealer = Dealer(quota, seed)
    while True:
        yield dealer.deal()
