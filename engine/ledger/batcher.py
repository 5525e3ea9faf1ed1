"""Gathers what is written meanwhile into one batch, and wakes all who wait for its commit."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.errors import StoreError
    from engine.ledger.scribe import Batch
    from engine.ledger.writer import Writer

LINGER_S = 0.001
"""How long the first call of a batch waits for others; a loop that is busy makes it longer by
itself, because the timer is one of the things it has to get round to."""


class Batcher:
    """The event loop's side of the writer.

    One batch is being committed while the next one gathers.
    """

    def __init__(self, writer: Writer, take: Callable[[], Batch]) -> None:
        self._writer = writer
        self._take = take
        self._loop: asyncio.AbstractEventLoop | None = None
        self._gathering = False
        """Whether there is an open batch that somebody waits for."""
        self._due = False
        """Whether it has lingered."""
        self._committing = False
        self._handing = threading.Lock()

    def joined(self, batch: Batch) -> asyncio.Future[None]:
        """Wait with the others of the open batch for its commit."""
        loop = self._loop or self._attend()
        told: asyncio.Future[None] = loop.create_future()
        batch.waiting.append(told)
        if not self._gathering:
            self._gathering = True
            loop.call_later(LINGER_S, self._lingered)
        return told

    def _attend(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.get_running_loop()
        return self._loop

    def _lingered(self) -> None:
        self._due = True
        if not self._committing:
            self._hand_over()

    def _hand_over(self) -> None:
        with self._handing:
            if not self._gathering:
                return
            self._gathering = self._due = False
            self._committing = True
            batch = self._take()
        self._writer.put(batch, lambda: self._committed(batch))

    def _committed(self, batch: Batch) -> None:
        """Called by the writer's thread."""
        if self._loop is not None and not self._loop.is_closed():
            with suppress(RuntimeError):  # it may close at this moment: nobody waits any more
                self._loop.call_soon_threadsafe(self._wake, batch, self._writer.failed)

    def _wake(self, batch: Batch, error: StoreError | None) -> None:
        self._committing = False
        for future in batch.waiting:
            if future.done():
                continue
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)
        if self._due:
            self._hand_over()

    def close(self) -> None:
        """Hand over what is left; may be called from another thread."""
        self._hand_over()
