"""How sessions go on, call by call: how many make a first call, a second, and end after which.

All that a forecast needs, in a few numbers for each call of the longest session, whatever the
number of sessions. Sessions that are being played are in it as far as they have come: a count of
finished sessions alone would have too many short ones, which are the first to finish.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeVar

from engine.spending.budget import NOTHING, Spend

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST = 1000
"""Calls of a session that are told apart; those beyond are counted as if they were this one."""


@dataclass(frozen=True, slots=True)
class Moments:
    """How many sessions, and the sums and sums of squares of what each cost."""

    n: int = 0
    sums: Spend = NOTHING
    squares: Spend = NOTHING

    def __add__(self, other: Moments) -> Moments:
        """Put two samples together."""
        return Moments(self.n + other.n, self.sums + other.sums, self.squares + other.squares)


_Sum = TypeVar("_Sum", int, Spend, Moments)


@dataclass(frozen=True, slots=True)
class Course:
    """Sums over sessions; element i is of a session's i-th call, 0 of none yet."""

    made: tuple[Spend, ...] = ()
    """What this run paid for i-th calls; its `calls` are the sessions that made theirs here."""
    ended: tuple[int, ...] = ()
    """Sessions that ended after their i-th call, which was made in this run."""
    playing: tuple[int, ...] = ()
    """Sessions begun and not ended that have come as far as their i-th call."""
    whole: tuple[Moments, ...] = ()
    """What sessions of i calls cost that were paid in this run from beginning to end."""

    def __add__(self, other: Course) -> Course:
        """Put two workers together."""
        return Course(
            _added(self.made, other.made, NOTHING),
            _added(self.ended, other.ended, 0),
            _added(self.playing, other.playing, 0),
            _added(self.whole, other.whole, Moments()),
        )


def _added(one: tuple[_Sum, ...], other: tuple[_Sum, ...], nothing: _Sum) -> tuple[_Sum, ...]:
    return tuple(a + b for a, b in zip_longest(one, other, fillvalue=nothing))


class Surveyor:
    """Keeps one worker's course."""

    def __init__(self) -> None:
        self._made: dict[int, Spend] = {}
        self._ended: dict[int, int] = {}
        self._whole: dict[int, Moments] = {}

    def made(self, number: int, cost: Spend) -> None:
        """A session's call of this number, from 1, has returned."""
        at = min(number, LONGEST)
        self._made[at] = self._made.get(at, NOTHING) + cost

    def ended(self, calls: int, cost: Spend | None) -> None:
        """A session has ended after so many calls; `cost` is None where not all was paid here."""
        at = min(calls, LONGEST)
        self._ended[at] = self._ended.get(at, 0) + 1
        if cost is not None:
            squares = Spend(cost.calls**2, cost.tokens**2, cost.pico**2)
            self._whole[at] = self._whole.get(at, Moments()) + Moments(1, cost, squares)

    def course(self, playing: Iterable[int]) -> Course:
        """Return the course, given how many calls each session being played has made."""
        playing = [min(calls, LONGEST) for calls in playing]
        longest = max((*self._made, *playing), default=0)
        counts = [0] * (longest + 1)
        for calls in playing:
            counts[calls] += 1
        return Course(
            _listed(self._made, longest, NOTHING),
            _listed(self._ended, longest, 0),
            tuple(counts),
            _listed(self._whole, longest, Moments()),
        )


def _listed(found: Mapping[int, _Sum], longest: int, nothing: _Sum) -> tuple[_Sum, ...]:
    return tuple(found.get(number, nothing) for number in range(longest + 1))
