"""What the ledger costs alone: real rows of a campaign written once more, and nothing else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from benchmarks.campaign import play, scratch
from benchmarks.meter import Lap, measured
from domain.call import Reservation
from engine.ledger.ledger import Ledger
from engine.ledger.shards import shard_at
from engine.ledger.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.course import Course
    from domain.call import CallRow

Finished = tuple[str, list["CallRow"], bytes]
"""A session's name, its calls in order, and its result."""


class StoreLane:
    """Laps of the ledger over the rows of one campaign, recorded when the lane is made."""

    def __init__(self, course: Course) -> None:
        self._in_flight = course.in_flight
        with scratch() as folder:
            play(course, course.large, folder)
            store = Store(folder.ledger)
            self._sessions: list[Finished] = [
                (name, list(store.calls(name)), data) for name, data in store.results().items()
            ]
        self.lap()

    def lap(self) -> Lap:
        """Write every row into a new shard as the engine does: recall, permit, record, finish."""
        with scratch() as folder, measured(sum(len(rows) for _, rows, _ in self._sessions)) as lap:
            asyncio.run(self._write(folder.ledger))
        return lap

    async def _write(self, folder: Path) -> None:
        ledger = Ledger(shard_at(folder, 1, 1), "bench")
        left = iter(self._sessions)
        async with asyncio.TaskGroup() as group:
            for _ in range(self._in_flight):
                group.create_task(_keep(ledger, left))
        await asyncio.to_thread(ledger.close)


async def _keep(ledger: Ledger, left: Iterator[Finished]) -> None:
    for name, rows, result in left:
        for row in rows:
            if ledger.recall(row.key, row.request_hash) is not None:
                raise RuntimeError("a new ledger recalls a call")
            await ledger.permit(Reservation(row.key, row.role, "stub", len(row.request), 400))
            await ledger.record(row)
        await ledger.finish(name, result)
