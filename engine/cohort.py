"""What finished items have cost, summed so that a forecast can be made from it.

The first items to finish are the short ones. They are counted in the order in which they began,
up to the first that is still being played: so the short ones do not stand for all.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.budget import NOTHING, Spend

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Moments:
    """How many items, and the sums and sums of squares of what each cost."""

    n: int = 0
    sums: Spend = NOTHING
    squares: Spend = NOTHING

    def __add__(self, other: Moments) -> Moments:
        """Put two samples together."""
        return Moments(self.n + other.n, self.sums + other.sums, self.squares + other.squares)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one worker is, or several together."""

    in_flight: int = 0
    """Items being played."""
    finished: Mapping[str, int] = field(default_factory=dict)
    """By label, in this run."""
    moments: Moments = Moments()
    """Of finished items that began before any that is not finished."""
    open: Spend = NOTHING
    """Spent on items that are not finished."""
    outcomes: Mapping[str, int] = field(default_factory=dict)
    """Calls by how they ended, in this run."""

    def __add__(self, other: Progress) -> Progress:
        """Put two workers together."""
        return Progress(
            self.in_flight + other.in_flight,
            Counter(self.finished) + Counter(other.finished),
            self.moments + other.moments,
            self.open + other.open,
            Counter(self.outcomes) + Counter(other.outcomes),
        )


class _Item:
    __slots__ = ("cost", "ended", "whole")

    def __init__(self) -> None:
        self.cost = NOTHING
        self.ended = False
        self.whole = True
        """Whether all of it was paid in this run."""


class Cohort:
    """Keeps one worker's progress."""

    def __init__(self) -> None:
        self._items: dict[str, _Item] = {}
        """In the order in which they began; those that have ended wait here for earlier ones."""
        self._playing = 0
        self._open = NOTHING
        self._finished: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._moments = Moments()

    def begin(self, item: str) -> None:
        """An item is begun."""
        self._items[item] = _Item()
        self._playing += 1

    def leave(self, item: str) -> None:
        """An item is given up by this run: it says nothing about what one costs."""
        found = self._items.pop(item, None)
        if found is not None:
            self._playing -= 1
            self._open -= found.cost

    def paid(self, item: str, cost: Spend, outcome: str) -> None:
        """A call of `item` has returned."""
        self._outcomes[outcome] += 1
        found = self._items.get(item)
        if found is not None:
            found.cost += cost
            self._open += cost

    def recalled(self, item: str) -> None:
        """Part of the item was paid by an earlier run: what it costs here is not the whole."""
        found = self._items.get(item)
        if found is not None:
            found.whole = False

    def finish(self, item: str, label: str) -> None:
        """An item has its result."""
        self._finished[label] += 1
        found = self._items.get(item)
        if found is None:
            return
        self._playing -= 1
        self._open -= found.cost
        found.ended = True
        while self._items:
            first = next(iter(self._items))
            if not self._items[first].ended:
                break
            self._count(self._items.pop(first))

    def _count(self, item: _Item) -> None:
        if item.whole:
            cost = item.cost
            squares = Spend(cost.calls**2, cost.tokens**2, cost.pico**2)
            self._moments += Moments(1, cost, squares)

    def progress(self) -> Progress:
        """Return how things stand."""
        return Progress(
            self._playing,
            dict(self._finished),
            self._moments,
            self._open,
            dict(self._outcomes),
        )
