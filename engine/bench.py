"""Where items are played: one job, one ledger and many items at a time, in one event loop."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from domain.errors import BudgetReachedError, InterruptedRunError, RehearsalError
from engine.job import Done, ItemEnd, explain
from engine.ledger.ledger import Ledger
from engine.liaison import Liaison

if TYPE_CHECKING:
    from engine.job import Factory
    from engine.ledger.shard import Shard
    from engine.steward import Link


@dataclass(frozen=True)
class BenchPlan:
    """Everything a worker needs to start; it crosses to the worker's process."""

    factory: Factory
    payload: bytes
    run_hash: str
    shard: Shard
    earlier: tuple[Shard, ...]
    link: Link
    """The way to the steward of the run."""
    in_flight: int
    """Items played at the same time."""
    returns_results: bool
    """Whether results travel back with the ends, or are left to be read from the store."""
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    """Variables of the driver that the worker needs, such as endpoints' keys; never stored."""
    again: frozenset[str] = frozenset()
    """Items that had ended and are played again."""


class Bench:
    """Plays items of one plan; made and used inside a running event loop."""

    def __init__(self, plan: BenchPlan) -> None:
        self._plan = plan
        with ExitStack() as opening:
            self._liaison = Liaison(plan.shard.worker, plan.link)
            opening.callback(self._liaison.abandon)
            self._ledger = Ledger(
                plan.shard,
                plan.run_hash,
                plan.earlier,
                self._liaison.wallet,
                gates=self._liaison.gates,
                again=plan.again,
            )
            opening.callback(self._ledger.close)
            self._job = plan.factory(plan.payload, self._ledger)
            opening.pop_all()
        self._items: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self._ends: asyncio.Queue[ItemEnd] = asyncio.Queue()
        self._stopped: RehearsalError | None = None
        self._pullers = [asyncio.create_task(self._pull()) for _ in range(plan.in_flight)]

    def give(self, items: list[tuple[str, bytes]]) -> None:
        """Add items to be played."""
        for item in items:
            self._items.put_nowait(item)

    async def ends(self, limit: int, linger_s: float) -> list[ItemEnd]:
        """Wait until an item has ended; return it with those that end within `linger_s` more."""
        found = [await self._ends.get()]
        if self._ends.empty() and linger_s:
            await asyncio.sleep(linger_s)
        while len(found) < limit and not self._ends.empty():
            found.append(self._ends.get_nowait())
        return found

    def drain(self, reason: RehearsalError | None = None) -> None:
        """Start no new call and no new item: every item given ends soon, and can be resumed."""
        self._stopped = reason or interrupted()
        self._ledger.stop(self._stopped)

    async def close(self) -> None:
        """End what is still running, let go of connections and close the ledger."""
        for task in self._pullers:
            task.cancel()
        await asyncio.gather(*self._pullers, return_exceptions=True)
        self._ends.put_nowait(ItemEnd("", error=interrupted()))  # frees whoever still waits
        async with AsyncExitStack() as open_still:  # the last first, whatever the others raise
            open_still.push_async_callback(asyncio.to_thread, self._ledger.close)
            open_still.push_async_callback(self._liaison.aclose)
            open_still.push_async_callback(self._job.aclose)

    async def _pull(self) -> None:
        while True:
            item, data = await self._items.get()
            if self._stopped is not None:
                self._ends.put_nowait(ItemEnd(item, error=self._stopped))
                continue
            end = await self._play(item, data)
            if (stopping := end.error or end.stop) is not None:
                self._after(stopping)
            self._ends.put_nowait(end)

    async def _play(self, item: str, data: bytes) -> ItemEnd:
        """Play one item. Whatever it raises is looked at, not caught: items survive one another."""
        cohort = self._liaison.wallet.cohort
        cohort.begin(item)
        task = asyncio.create_task(self._finish(item, data))
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            raise
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is not None:
            cohort.leave(item)
            return ItemEnd(item, error=explain(item, error))
        done = task.result()
        return ItemEnd(item, done.data if self._plan.returns_results else None, stop=done.stop)

    async def _finish(self, item: str, data: bytes) -> Done:
        result = await self._job.run(data)
        done = result if isinstance(result, Done) else Done(result)
        await self._ledger.finish(item, done.data, done.label)
        self._liaison.wallet.cohort.finish(item, done.label)
        return done

    def _after(self, error: RehearsalError) -> None:
        """The budget stops new items only; any other error stops new calls as well."""
        if isinstance(error, BudgetReachedError):
            self._stopped = self._stopped or error
        elif self._stopped is None:
            self.drain()


def interrupted() -> InterruptedRunError:
    """Return the error of a run that was asked to stop."""
    return InterruptedRunError(
        "the run was interrupted",
        mend="`rehearsal campaign resume` continues; nothing that was recorded is asked twice.",
    )
