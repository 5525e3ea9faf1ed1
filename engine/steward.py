"""What the workers of one run share: they report to one steward and are told what they may do.

A report goes out several times a second, not with every call. Inline the steward lives beside the
bench; on Ray it is an actor on the driver's machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from domain.settings import BudgetSettings


@dataclass(frozen=True)
class Mandate:
    """What a steward is given when a run begins."""

    budget: BudgetSettings


@dataclass(frozen=True)
class Report:
    """What one worker says of itself."""

    worker: int
    number: int
    """Counts the worker's reports from 1; one that comes late is told by it."""


@dataclass(frozen=True)
class Orders:
    """What one worker is told in return."""


class Link(Protocol):
    """A worker's way to its steward."""

    async def exchange(self, report: Report) -> Orders:
        """Deliver a report and return the orders."""
        ...


class Steward:
    """Keeps what is shared; one per run."""

    def __init__(self, mandate: Mandate) -> None:
        self._mandate = mandate

    async def exchange(self, report: Report) -> Orders:
        """Take a worker's report and answer it."""
        return Orders()

    def leave(self, worker: int) -> None:
        """Forget a worker that has died: what it held is free again."""
