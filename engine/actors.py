"""What lives in Ray's processes: a worker with its bench, and the steward that all of them share.

They outlive a run: the next one finds them with everything imported.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from typing import TYPE_CHECKING

from engine.bench import Bench
from engine.steward import Steward

if TYPE_CHECKING:
    from engine import cluster
    from engine.bench import BenchPlan
    from engine.job import ItemEnd
    from engine.spending.budget import Spend
    from engine.steward import Mandate, Orders, Report

_LIMIT = 64
"""Ends that a worker returns at a time."""
_LINGER_S = 0.02
"""How long a worker waits for more ends: a batch costs the driver what a single one does."""


class Worker:
    """What lives in a worker's process: nothing at first, a bench while a run lasts."""

    def __init__(self) -> None:
        self._bench: Bench | None = None
        self._opened = asyncio.Event()
        self._drained = False

    async def prepare(self, module: str) -> None:
        """Import what the job will need."""
        await asyncio.to_thread(importlib.import_module, module)

    async def open(self, plan: BenchPlan) -> None:
        """Start a bench."""
        os.environ.update(plan.environment)
        try:
            self._bench = Bench(plan)
            if self._drained:
                self._bench.drain()
        finally:
            self._opened.set()

    async def exchange(self, items: list[tuple[str, bytes]]) -> list[ItemEnd]:
        """Take more items; return what has ended, once something has."""
        await self._opened.wait()  # an async actor may begin its calls out of order
        if self._bench is None:
            raise RuntimeError("the worker has no bench")
        self._bench.give(items)
        return await self._bench.ends(_LIMIT, _LINGER_S)

    async def drain(self) -> None:
        """Start no new call; a bench that is not open yet will begin none either.

        A worker imports for seconds before it opens: whoever stops the run meanwhile says so once.
        """
        self._drained = True
        if self._bench is not None:
            self._bench.drain()

    async def close(self) -> None:
        """End the bench; the process stays for the next run."""
        self._opened.clear()
        self._drained = False
        bench, self._bench = self._bench, None
        if bench is not None:
            await bench.close()


class StewardHost:
    """What lives in the steward's process: a steward while a run lasts."""

    def __init__(self) -> None:
        self._steward: Steward | None = None

    async def open(self, mandate: Mandate) -> None:
        """Begin a run."""
        self._steward = Steward(mandate)

    async def exchange(self, report: Report) -> Orders:
        """Answer a worker's report."""
        if self._steward is None:
            raise RuntimeError("the steward has no run")
        return await self._steward.exchange(report)

    async def close(self, why: str) -> None:
        """End the run."""
        steward, self._steward = self._steward, None
        if steward is not None:
            steward.close(why)

    async def leave(self, worker: int, spent: Spend) -> None:
        """Forget a worker that has died and had spent `spent`."""
        if self._steward is not None:
            self._steward.leave(worker, spent)


class StewardLink:
    """A worker's way to a steward in another process."""

    def __init__(self, actor: cluster.Actor) -> None:
        self._actor = actor

    async def exchange(self, report: Report) -> Orders:
        """Deliver a report and return the orders."""
        orders: Orders = await self._actor.ask("exchange", report)
        return orders
