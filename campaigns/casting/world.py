"""What there is to cast: the values of each dimension, and which of them can meet at all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from campaigns.casting.grammar import GENDERS
from campaigns.casting.lives import Lives
from domain.casting import DEFAULT_BANDS, DIMENSIONS, band_of
from domain.errors import ConfigError
from domain.persona import RiskLevel, Style

if TYPE_CHECKING:
    from collections.abc import Iterable

    from campaigns.casting.grammar import Case, Grammar, Problem, Thought
    from domain.casting import CastingSettings

Array = NDArray[Any]

CORE = ("problem", "technique", "age", "risk")
"""The dimensions that the pack itself ties to one another."""


@dataclass(frozen=True)
class World:
    """The values of every dimension, with how often each is cast where nothing else is asked."""

    grammar: Grammar
    values: dict[str, tuple[str, ...]]
    usual: dict[str, Array]
    """Shares by dimension, kept to where nothing stands in the way."""

    @cached_property
    def lives(self) -> Lives:
        """Which lives fit which case."""
        return Lives(self.grammar)

    @cached_property
    def bands(self) -> tuple[tuple[int, int], ...]:
        """The age bands as numbers."""
        return tuple(band_of(key) for key in self.values["age"])

    @cached_property
    def culture_keys(self) -> dict[str, str]:
        """The run file's name of each background, by what a persona is told of it."""
        return {one.culture: one.name for one in self.grammar.people.backgrounds}

    @cached_property
    def core(self) -> Array:
        """Weights [problem, technique, age, risk]: 0 where nobody can be cast so."""
        ages = np.zeros([len(self.values[name]) for name in CORE[:3]])
        for at, problem in enumerate(self.grammar.problems):
            for technique in problem.techniques:
                row = ages[at, self.values["technique"].index(technique)]
                for age, band in enumerate(self.bands):
                    row[age] = self._weight(problem, technique, band)
        risky = [[1.0, 1.0, 1.0] if one.risk else [1.0, 0.0, 0.0] for one in self.grammar.problems]
        weights: Array = ages[..., None] * np.array(risky)[:, None, None, :]
        return weights

    def _weight(self, problem: Problem, technique: str, band: tuple[int, int]) -> float:
        cases = {case.key: case for case, _ in self.fitting(problem, technique)}
        return sum(self.lives.weight(problem, case, band) for case in cases.values())

    def fitting(self, problem: Problem, technique: str) -> Iterable[tuple[Case, Thought]]:
        """Yield the problem's cases with the thoughts that the technique is for."""
        for case in problem.cases:
            for thought in case.thoughts:
                if thought.distortion in self.grammar.fits[technique]:
                    yield case, thought

    def index(self, dimension: str, key: str, where: str) -> int:
        """Return the place of a value.

        Raises:
            ConfigError: There is none of that name.
        """
        known = self.values[dimension]
        if key in known:
            return known.index(key)
        raise ConfigError(
            f"there is no such {dimension} to cast",
            where=where,
            expected=f"one of: {', '.join(known)}",
            got=key,
            mend=_mend(dimension),
        )


def _normal(weights: Iterable[int]) -> Array:
    found = np.array(list(weights), dtype=float)
    whole: Array = found / found.sum()
    return whole


def _mend(dimension: str) -> str:
    if dimension == "age":
        return "Name a band of campaign.casting.age, or set the bands there."
    return "Correct the name, or add it to the pack."


def world_of(grammar: Grammar, casting: CastingSettings) -> World:
    """Return what the pack has to cast, in the age bands of the run file."""
    people = grammar.people
    values = {
        "problem": tuple(one.problem for one in grammar.problems),
        "technique": tuple(grammar.fits),
        "age": tuple(sorted(casting.age or DEFAULT_BANDS, key=band_of)),
        "risk": tuple(level.value for level in RiskLevel),
        "style": tuple(style.value for style in Style),
        "gender": tuple(GENDERS.values()),
        "culture": tuple(one.name for one in people.backgrounds),
    }
    usual = {name: np.full(len(values[name]), 1 / len(values[name])) for name in DIMENSIONS}
    hinted, stated = people.risk_share * 2 / 3, people.risk_share / 3
    usual["risk"] = np.array([1 - people.risk_share, hinted, stated])
    usual["gender"] = _normal(people.gender_weights[key] for key in GENDERS)
    if casting.age is None:
        usual["age"] = _normal(people.age_weights[key] for key in values["age"])
    return World(grammar=grammar, values=values, usual=usual)
