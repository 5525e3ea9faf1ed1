"""Requests that wait together are answered together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evaluation.serving.refused import RequestRefused

if TYPE_CHECKING:
    from evaluation.serving.models import ServedModels
    from evaluation.serving.sampling import Row

_LOG = logging.getLogger(__name__)

GATHER_S = 0.005
"""How long the first request waits for others to come in."""
LONGEST_QUEUE = 4096


@dataclass
class _Waiting:
    lane: tuple[str, int]
    """What requests must have in common to share a batch."""
    row: Row
    answered: asyncio.Future[Row]


class Batcher:
    """One thread that answers batch after batch; a batch may mix adapters."""

    def __init__(self, models: ServedModels) -> None:
        self._models = models
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="generate")
        self._task: asyncio.Task[None] | None = None
        self.batches = 0
        self.answered = 0
        self.abandoned = 0

    def start(self) -> None:
        """Begin to answer; must be called inside the running loop."""
        self._task = asyncio.create_task(self._work())

    async def aclose(self) -> None:
        """Stop; requests still waiting are refused with 503."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for waiting in self._waiting:
            if not waiting.answered.done():
                waiting.answered.set_exception(RequestRefused(503, "The server is stopping."))
        self._waiting.clear()
        self._thread.shutdown(wait=True)

    async def answer(self, row: Row) -> Row:
        """Queue one row; return it once it is finished. Who stops waiting stops its generation.

        Raises:
            RequestRefused: 429 when too many wait, 500 when generation failed.
        """
        if len(self._waiting) >= LONGEST_QUEUE:
            raise RequestRefused(429, "Too many requests are waiting.", code="rate_limit_exceeded")
        future: asyncio.Future[Row] = asyncio.get_running_loop().create_future()
        lane = (self._models.lane(row.model), self._models.shape.bucket(len(row.prompt)))
        self._waiting.append(_Waiting(lane, row, future))
        self._arrived.set()
        try:
            return await future
        finally:
            row.abandoned = not row.finish_reason
            self.abandoned += row.abandoned

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            await asyncio.sleep(GATHER_S)
            while batch := self._take():
                rows = [waiting.row for waiting in batch]
                try:
                    await loop.run_in_executor(self._thread, self._models.answer, rows)
                except Exception as error:  # noqa: BLE001 - the callers hear it; the next batch goes on
                    self._fail(batch, error)
                else:
                    self._finish(batch)
            self._arrived.clear()

    def _take(self) -> list[_Waiting]:
        """Take the oldest request, and with it what shares its lane."""
        self._waiting = deque(one for one in self._waiting if not one.answered.done())
        if not self._waiting:
            return []
        lane = self._waiting[0].lane
        batch = [one for one in self._waiting if one.lane == lane][: self._models.shape.rows]
        taken = {id(one) for one in batch}
        self._waiting = deque(one for one in self._waiting if id(one) not in taken)
        return batch

    def _finish(self, batch: list[_Waiting]) -> None:
        self.batches += 1
        self.answered += sum(not waiting.row.abandoned for waiting in batch)
        for waiting in batch:
            if not waiting.answered.done():
                waiting.answered.set_result(waiting.row)

    def _fail(self, batch: list[_Waiting], error: Exception) -> None:
        _LOG.error("a batch of %d failed: %s: %s", len(batch), type(error).__name__, error)
        for waiting in batch:
            if not waiting.answered.done():
                waiting.answered.set_exception(
                    RequestRefused(500, f"Generation failed: {type(error).__name__}.")
                )
