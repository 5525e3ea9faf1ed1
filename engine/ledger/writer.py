"""The one thread that writes a shard: it commits together whatever has queued."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol

from domain.errors import StoreError
from engine.ledger.block import Press
from engine.ledger.rows import compressor, pack_result

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from engine.ledger.block import Block
    from engine.ledger.rows import Result
    from engine.ledger.scribe import Batch


class Table(Protocol):
    """A shard that is open for writing; used by the writer's thread alone."""

    @property
    def where(self) -> str:
        """What to call it in a message."""
        ...

    def commit(self, batch: Batch, block: Block | None, results: list[tuple[int, Result]]) -> None:
        """Add a batch in one transaction; a block that begins before it replaces earlier ones.

        Raises:
            StoreError: It cannot be added, or a newer run owns the store; nothing was.
        """
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Writer:
    """Owns the shard's table; the event loop hands it batches.

    Args:
        name: Of the thread.
        opening: Opens the table; called on the thread.
    """

    def __init__(self, name: str, opening: Callable[[], Table]) -> None:
        self._opening = opening
        self._queue: SimpleQueue[tuple[Batch, Callable[[], None]] | None] = SimpleQueue()
        self._press = Press()
        self._results = compressor()
        self.failed: StoreError | None = None
        """What is wrong with the shard; a failed one stays so."""
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self, opened: Future[None]) -> None:
        """Open the shard on the writer's thread; `opened` is told."""
        self._opened = opened
        self._thread.start()

    def put(self, batch: Batch, done: Callable[[], None]) -> None:
        """Queue a batch; `done` is called in its thread once it is committed or has failed."""
        self._queue.put((batch, done))

    def stop(self) -> None:
        """Write what has queued, close the shard and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        try:
            table = self._opening()
        except BaseException as error:  # noqa: BLE001 - it is raised where the ledger is made
            self._opened.set_exception(error)
            return
        self._opened.set_result(None)
        while job := self._queue.get():
            batch, done = job
            if self.failed is None:
                self.failed = self._commit(table, batch)
            done()
        with suppress(sqlite3.Error, StoreError):
            table.close()

    def _commit(self, table: Table, batch: Batch) -> StoreError | None:
        try:
            block = None
            if batch.records:
                block = self._press.block(batch.first, batch.records, batch.literals, batch.hashes)
            results = [
                (number, pack_result(self._results, name, label, data))
                for number, name, label, data in batch.results
            ]
            table.commit(batch, block, results)
        except StoreError as error:
            return error
        # The end of a thread: what is not caught here reaches nobody, and whoever waits for a
        # write would wait for ever.
        except Exception as error:  # noqa: BLE001
            return unstorable(error, table.where)
        return None


def unstorable(error: Exception, where: str) -> StoreError:
    """Return the error that says that a row is not what a store can take."""
    return StoreError(
        "a call or a result cannot be stored",
        where=where,
        got=f"{type(error).__name__}: {error}",
        mend="This is a fault of the program: report it with the text above. What was recorded "
        "before is safe.",
    )


def outlived(where: str) -> StoreError:
    """Return the error of a worker whose shard was taken over."""
    return StoreError(
        "a newer run owns the store",
        where=where,
        expected="an open shard",
        got="a shard that has been sealed",
        mend="Nothing to do: this worker has outlived its run, and the newer one goes on.",
    )


def twice(error: Exception, where: str) -> StoreError:
    """Return the error of a call or a result that is there already."""
    return StoreError(
        "a call or a result was recorded twice",
        where=where,
        expected="each (session, draft, step, attempt) and each item once",
        got=str(error),
        mend="Two items share a session id, or one step was asked twice at the same time.",
    )
