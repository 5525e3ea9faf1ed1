"""Which lives of people.yaml fit which case: work, household and ages that go together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domain.errors import PackError

if TYPE_CHECKING:
    from campaigns.casting.grammar import Case, Grammar, Household, Occupation, People, Problem


class Life(NamedTuple):
    """Work and a household that fit a case and each other, and the ages at which they do."""

    work: Occupation
    home: Household
    youngest: int
    oldest: int


class Lives:
    """The lives that fit each case, worked out once for a grammar.

    Raises:
        PackError: No life fits a case.
    """

    def __init__(self, grammar: Grammar) -> None:
        self._all = {
            (problem.problem, case.key): _fitting(grammar.people, problem, case)
            for problem in grammar.problems
            for case in problem.cases
        }
        self._within: dict[tuple[str, str, tuple[int, int]], tuple[Life, ...]] = {}
        self._weights: dict[tuple[str, str, tuple[int, int]], float] = {}

    def within(self, problem: Problem, case: Case, band: tuple[int, int]) -> tuple[Life, ...]:
        """Return the lives of a case at the ages of `band`, their own ages cut to it."""
        key = (problem.problem, case.key, band)
        found = self._within.get(key)
        if found is None:
            cut = (
                Life(one.work, one.home, max(one.youngest, band[0]), min(one.oldest, band[1]))
                for one in self._all[key[:2]]
            )
            found = self._within[key] = tuple(one for one in cut if one.youngest <= one.oldest)
        return found

    def weight(self, problem: Problem, case: Case, band: tuple[int, int]) -> float:
        """Return how much of the lives of a case lies in `band`: years there over all years."""
        key = (problem.problem, case.key, band)
        if key not in self._weights:
            inside = _years(self.within(problem, case, band))
            self._weights[key] = inside / _years(self._all[key[:2]])
        return self._weights[key]


def _years(lives: tuple[Life, ...]) -> int:
    return sum(oldest - youngest + 1 for _, _, youngest, oldest in lives)


def _fitting(people: People, problem: Problem, case: Case) -> tuple[Life, ...]:
    works = [one for one in people.occupations if not case.work or {*case.work} & {*one.tags}]
    homes = [
        one
        for one in people.households
        if (not case.home or {*case.home} & {*one.tags}) and not {*problem.not_home} & {*one.tags}
    ]
    found = tuple(
        Life(work, home, youngest, oldest)
        for work in works
        for home in homes
        if _together(work, home)
        for youngest, oldest in [_overlap(work.ages, home.ages, case.ages, problem.ages)]
        if youngest <= oldest
    )
    if not found:
        raise PackError(
            "no life in people.yaml fits the case",
            where=f"casting/{problem.problem}.yaml: {case.key}",
            expected=f"work tagged {case.work or 'any'}, a household tagged {case.home or 'any'}",
            got="none whose ages overlap",
            mend="Add such a life to people.yaml, or ask less of it in the case.",
        )
    return found


def _together(work: Occupation, home: Household) -> bool:
    """Nobody is at home with the children where there are none."""
    return "home" not in work.tags or "children" in home.tags


def _overlap(*ages: tuple[int, int]) -> tuple[int, int]:
    return max(low for low, _ in ages), min(high for _, high in ages)
