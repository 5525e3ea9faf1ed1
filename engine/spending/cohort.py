"""How far a worker is with its items: how many, what they cost, how their calls ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.spending.budget import NOTHING
from engine.spending.course import Course, Surveyor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.spending.budget import Spend


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one worker is, or several together."""

    in_flight: int = 0
    """Items being played."""
    finished: Mapping[str, int] = field(default_factory=dict)
    """By label, in this run."""
    course: Course = field(default_factory=Course)
    outcomes: Mapping[str, int] = field(default_factory=dict)
    """Calls by how they ended, in this run."""

    def __add__(self, other: Progress) -> Progress:
        """Put two workers together."""
        return Progress(
            self.in_flight + other.in_flight,
            Counter(self.finished) + Counter(other.finished),
            self.course + other.course,
            Counter(self.outcomes) + Counter(other.outcomes),
        )


class _Item:
    __slots__ = ("calls", "cost", "paid")

    def __init__(self) -> None:
        self.calls = 0
        """Those that an earlier run paid too."""
        self.paid = 0
        self.cost = NOTHING


class Cohort:
    """Keeps one worker's progress."""

    def __init__(self) -> None:
        self._items: dict[str, _Item] = {}
        self._left: dict[str, int] = {}
        """Calls of the items that were begun and given up."""
        self._finished: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._surveyor = Surveyor()

    def begin(self, item: str) -> None:
        """An item is begun."""
        self._items[item] = _Item()
        self._left.pop(item, None)

    def leave(self, item: str) -> None:
        """An item is given up by this run: it has come as far as it has."""
        found = self._items.pop(item, None)
        if found is not None:
            self._left[item] = found.calls

    def paid(self, item: str, cost: Spend, outcome: str) -> None:
        """A call of `item` has returned."""
        self._outcomes[outcome] += 1
        found = self._items.get(item)
        if found is not None:
            found.calls += 1
            found.paid += 1
            found.cost += cost
            self._surveyor.made(found.calls, cost)

    def recalled(self, item: str) -> None:
        """A call of the item was paid by an earlier run."""
        found = self._items.get(item)
        if found is not None:
            found.calls += 1

    def finish(self, item: str, label: str) -> None:
        """An item has its result."""
        self._finished[label] += 1
        found = self._items.pop(item, None)
        if found is not None and found.paid:
            whole = found.paid == found.calls
            self._surveyor.ended(found.calls, found.cost if whole else None)

    def progress(self) -> Progress:
        """Return how things stand."""
        playing = [item.calls for item in self._items.values()]
        return Progress(
            len(playing),
            dict(self._finished),
            self._surveyor.course([*playing, *self._left.values()]),
            dict(self._outcomes),
        )
