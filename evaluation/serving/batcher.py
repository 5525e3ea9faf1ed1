"""Requests that wait together are answered together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evaluation.serving.requests import RequestRefused

if TYPE_CHECKING:
    from evaluation.serving.models import ServedModels
    from evaluation.serving.sampling import Row

_LOG = logging.getLogger(__name__)

GATHER_S = 0.005
"""How long the first request waits for others to come in."""
LONGEST_QUEUE = 4096


@dataclass
class _Waiting:
    name: str
    bucket: int
    row: Row
    answered: asyncio.Future[Row]


class Batcher:
    """One thread that answers batch after batch; each batch holds one model's requests."""

    def __init__(self, models: ServedModels) -> None:
        self._models = models
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="generate")
        self._task: asyncio.Task[None] | None = None
        self.batches = 0
        self.answered = 0

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

    async def answer(self, name: str, row: Row) -> Row:
        """Queue one row for model `name`; return it once it is finished.

        Raises:
            RequestRefused: 429 when too many wait, 500 when generation failed.
        """
        if len(self._waiting) >= LONGEST_QUEUE:
            raise RequestRefused(429, "Too many requests are waiting.", code="rate_limit_exceeded")
        future: asyncio.Future[Row] = asyncio.get_running_loop().create_future()
        bucket = self._models.shape.bucket(len(row.prompt))
        self._waiting.append(_Waiting(name, bucket, row, future))
        self._arrived.set()
        return await future

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            await asyncio.sleep(GATHER_S)
            while batch := self._take():
                rows = [waiting.row for waiting in batch]
                try:
                    await loop.run_in_executor(
                        self._thread, self._models.answer, batch[0].name, rows
                    )
                except (RuntimeError, ValueError, IndexError) as error:
                    self._fail(batch, error)
                else:
                    self._finish(batch)
            self._arrived.clear()

    def _take(self) -> list[_Waiting]:
        """Take the oldest request, and with it what shares its model and padded length."""
        self._waiting = deque(one for one in self._waiting if not one.answered.done())
        if not self._waiting:
            return []
        first = self._waiting[0]
        batch = [
            one for one in self._waiting if (one.name, one.bucket) == (first.name, first.bucket)
        ][: self._models.shape.rows]
        taken = {id(one) for one in batch}
        self._waiting = deque(one for one in self._waiting if id(one) not in taken)
        return batch

    def _finish(self, batch: list[_Waiting]) -> None:
        self.batches += 1
        self.answered += len(batch)
        for waiting in batch:
            if not waiting.answered.done():
                waiting.answered.set_result(waiting.row)

    def _fail(self, batch: list[_Waiting], error: Exception) -> None:
        _LOG.error("a batch of %d for %s failed: %s", len(batch), batch[0].name, error)
        for waiting in batch:
            if not waiting.answered.done():
                waiting.answered.set_exception(
                    RequestRefused(500, f"Generation failed: {type(error).__name__}.")
                )
