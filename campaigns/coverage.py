"""Which problem, style, case, thought and technique comes next: whatever was cast least.

The choice at a place of the plan depends on the places before it only, so a longer plan of the
same seed begins with the shorter one.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from domain.base import seed_of
from domain.persona import RiskLevel, Style

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from campaigns.grammar import Case, Grammar, Problem, Thought

T = TypeVar("T")

_HINTED_FIRST = (RiskLevel.HINTED, RiskLevel.STATED, RiskLevel.HINTED)
"""Hints are commoner than statements; one in three says it outright."""


@dataclass(frozen=True)
class Cell:
    """What one place of the plan is to show."""

    problem: Problem
    case: Case
    thought: Thought
    """The thought the technique is meant for."""
    technique: str
    style: Style
    risk: RiskLevel


class Coverage:
    """Deals cells so that every style, problem, technique and distortion comes up evenly."""

    def __init__(self, grammar: Grammar, seed: int) -> None:
        self._grammar = grammar
        self._seed = seed
        self._dealt = 0
        self._counts: Counter[Hashable] = Counter()
        self._at_risk = 0

    def deal(self) -> Cell:
        """Return the next cell."""
        draw = random.Random(seed_of(self._seed, "coverage", self._dealt))
        self._dealt += 1
        problem = _least(
            draw, self._grammar.problems, lambda one: (self._counts["problem", one.problem],)
        )
        style = _least(
            draw,
            Style,
            lambda one: (
                self._counts["style", one],
                self._counts["style", one, problem.problem],
            ),
        )
        case, thought, technique = _least(draw, self._fitting(problem), self._wear)
        self._counts.update(
            [
                ("problem", problem.problem),
                ("style", style),
                ("style", style, problem.problem),
                ("technique", technique),
                ("distortion", thought.distortion),
                ("case", case.topic),
                ("thought", thought.text),
            ]
        )
        return Cell(problem, case, thought, technique, style, self._risk(problem))

    def _fitting(self, problem: Problem) -> list[tuple[Case, Thought, str]]:
        return [
            (case, thought, technique)
            for case in problem.cases
            for thought in case.thoughts
            for technique in problem.techniques
            if thought.distortion in self._grammar.fits[technique]
        ]

    def _wear(self, triple: tuple[Case, Thought, str]) -> tuple[int, ...]:
        case, thought, technique = triple
        counts = self._counts
        return (
            counts["technique", technique],
            counts["distortion", thought.distortion],
            counts["case", case.topic],
            counts["thought", thought.text],
        )

    def _risk(self, problem: Problem) -> RiskLevel:
        """Deal risk to the share of the plan that is set, among the problems it fits."""
        due = round(self._dealt * self._grammar.people.risk_share)
        if problem.risk is None or self._at_risk >= due:
            return RiskLevel.NONE
        self._at_risk += 1
        return _HINTED_FIRST[self._at_risk % len(_HINTED_FIRST)]


def _least(draw: random.Random, choices: Iterable[T], wear: Callable[[T], tuple[int, ...]]) -> T:
    """Return one of the choices that are worn least, drawn."""
    worn = [(wear(choice), choice) for choice in choices]
    least = min(count for count, _ in worn)
    return draw.choice([choice for count, choice in worn if count == least])
