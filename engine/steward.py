"""What the workers of one run share: they report to one steward and are told what they may do.

A report goes out several times a second, not with every call. Inline the steward lives beside the
bench; on Ray it is an actor on the driver's machine.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from engine.limits.endpoints import Endpoints
from engine.live import LiveFile
from engine.spending.budget import NOTHING, Spend, limits_of
from engine.spending.cohort import Progress
from engine.spending.purse import Purse
from engine.spending.wallet import Grant, Terms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from domain.endpointstate import EndpointState
    from domain.price import Price
    from domain.settings import BudgetSettings
    from engine.limits.sight import Order, Seen
    from engine.live import LivePlan
    from engine.spending.wallet import Account


@dataclass(frozen=True)
class Mandate:
    """What a steward is given when a run begins."""

    budget: BudgetSettings
    prices: Mapping[str, Price] = field(default_factory=dict)
    """What each role pays; one that is not named pays nothing."""
    before: Spend = NOTHING
    """What earlier runs of the campaign have spent."""
    live: LivePlan | None = None
    """The live file to write, where anybody may watch."""
    passed_s: float = 0.0
    """Seconds that this run took before: a deadline is one for all of its rounds."""


@dataclass(frozen=True)
class Report:
    """What one worker says of itself."""

    worker: int
    number: int
    """Counts the worker's reports from 1; one that comes late is told by it, and not heard."""
    account: Account
    progress: Progress
    endpoints: Mapping[str, Seen] = field(default_factory=dict)
    """What it saw of each endpoint, by address."""


@dataclass(frozen=True)
class Orders:
    """What one worker is told in return."""

    terms: Terms
    grant: Grant
    endpoints: Mapping[str, Order] = field(default_factory=dict)
    """What it may do at each endpoint it reported."""


class Link(Protocol):
    """A worker's way to its steward."""

    async def exchange(self, report: Report) -> Orders:
        """Deliver a report and return the orders."""
        ...


class Steward:
    """Keeps what is shared; one per run."""

    def __init__(self, mandate: Mandate, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._mandate = mandate
        self._began = time.monotonic() - mandate.passed_s
        self._purse = Purse(limits_of(mandate.budget), mandate.before)
        self._endpoints = Endpoints()
        self._heard: dict[int, int] = {}
        """The number of each worker's last report."""
        self._progress: dict[int, Progress] = {}
        self._left = Progress()
        self._live: LiveFile | None = None
        if mandate.live is not None:
            limits, deadline = limits_of(mandate.budget), mandate.budget.deadline_s
            self._live = LiveFile(mandate.live, limits, deadline, self._began)

    async def exchange(self, report: Report) -> Orders:
        """Take a worker's report and answer it.

        One that was on its way while the worker sent another, or died, says what is no longer so:
        nothing is taken from it, and nothing is granted to it.
        """
        if report.number <= self._heard.get(report.worker, 0):
            return Orders(self._terms(), Grant(NOTHING, spare=True))
        self._heard[report.worker] = report.number
        self._progress[report.worker] = report.progress
        orders = Orders(
            self._terms(),
            self._purse.answer(report.worker, report.account),
            self._endpoints.exchange(report.worker, report.endpoints, self._clock()),
        )
        if self._live is not None and self._live.due:
            self._tell(self._live)
        return orders

    def _tell(self, live: LiveFile, *, over: bool = False, why: str = "") -> None:
        progress = sum(self._progress.values(), self._left)
        spent = self._purse.spent
        live.write(
            progress, spent, spent - self._mandate.before, self.endpoints(), over=over, why=why
        )

    def close(self, why: str = "") -> None:
        """Say a last time how things stand, and `why` the run stopped before its end."""
        if self._live is not None:
            self._tell(self._live, over=True, why=why)

    def endpoints(self) -> tuple[EndpointState, ...]:
        """Say how every endpoint stands."""
        return self._endpoints.states(self._clock())

    def leave(self, worker: int, spent: Spend) -> None:
        """Forget a worker that has died: what it held and had not spent is free again.

        Args:
            worker: Its number.
            spent: What its ledger says that it spent.
        """
        self._heard[worker] = sys.maxsize
        self._purse.leave(worker, spent)
        self._endpoints.forget(worker)
        last = self._progress.pop(worker, Progress())
        course = replace(last.course, playing=())  # others begin them anew
        self._left += Progress(finished=last.finished, course=course, outcomes=last.outcomes)

    def _terms(self) -> Terms:
        deadline = self._mandate.budget.deadline_s
        left = None if deadline is None else deadline - (time.monotonic() - self._began)
        return Terms(self._mandate.prices, self._purse.limited, deadline, left)
