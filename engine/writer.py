"""The one thread that writes a shard: it commits together whatever has queued."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from domain.call import CallRow
from domain.errors import StoreError
from engine import shards
from engine.rows import RowMaker, pack_result
from engine.schema import INSERT_CALL, INSERT_RESULT

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

    from engine.shards import Shard

_LINGER_S = 0.001
"""How long the first row of a batch waits for others: it halves the commits under load and adds
a millisecond to a call that takes hundreds."""
_BATCH = 512


class Write(NamedTuple):
    """One thing to write: a call, or a finished item's (item, data); and whom to tell."""

    what: CallRow | tuple[str, bytes]
    loop: asyncio.AbstractEventLoop
    told: asyncio.Future[None]


class Writer:
    """Owns the shard's writing connection; everything else hands it `Write`s."""

    def __init__(self, shard: Shard, run_hash: str, page_limit: int | None = None) -> None:
        self._shard = shard
        self._run_hash = run_hash
        self._page_limit = page_limit
        self._queue: SimpleQueue[Write | None] = SimpleQueue()
        self._rows = RowMaker()
        self._failed: StoreError | None = None
        self._thread = threading.Thread(target=self._work, name=shard.path.name, daemon=True)

    def start(self, opened: Future[None]) -> None:
        """Create the shard on the writer's thread; `opened` is told."""
        self._opened = opened
        self._thread.start()

    def put(self, write: Write) -> None:
        """Queue a write; its future is resolved when its batch is committed."""
        self._queue.put(write)

    def stop(self) -> None:
        """Write what has queued, close the shard and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        try:
            connection = shards.create(self._shard, self._run_hash)
            if self._page_limit is not None:
                connection.execute(f"PRAGMA max_page_count={int(self._page_limit)}")
        except (sqlite3.Error, OSError) as error:
            known = error if isinstance(error, sqlite3.Error) else sqlite3.Error(str(error))
            self._opened.set_exception(shards.told(known, self._shard.path))
            return
        self._opened.set_result(None)
        while batch := self._next_batch():
            self._write(connection, [write for write in batch if write is not None])
            if batch[-1] is None:
                break
        connection.close()

    def _next_batch(self) -> list[Write | None]:
        batch = [self._queue.get()]
        if batch[0] is not None:
            time.sleep(_LINGER_S)
        while batch[-1] is not None and len(batch) < _BATCH:
            try:
                batch.append(self._queue.get_nowait())
            except Empty:
                break
        return batch

    def _write(self, connection: sqlite3.Connection, batch: list[Write]) -> None:
        if not batch:
            return
        error = self._failed
        if error is None:
            error = self._commit(connection, [write.what for write in batch])
        _tell(batch, error)

    def _commit(
        self, connection: sqlite3.Connection, batch: list[CallRow | tuple[str, bytes]]
    ) -> StoreError | None:
        """Insert and commit, or roll back and return what is wrong. A failed shard stays so."""
        try:
            calls = [self._rows.make(what) for what in batch if isinstance(what, CallRow)]
            results = [pack_result(*what) for what in batch if not isinstance(what, CallRow)]
            connection.execute("BEGIN IMMEDIATE")
            if _sealed(connection):
                connection.execute("ROLLBACK")
                self._failed = _outlived(self._shard)
                return self._failed
            connection.executemany(INSERT_CALL, calls)
            connection.executemany(INSERT_RESULT, results)
            connection.execute("COMMIT")
        # The end of a thread: what is not caught here reaches nobody, and whoever waits for a
        # write would wait for ever.
        except Exception as error:  # noqa: BLE001
            self._failed = _failure(error, self._shard)
            _roll_back(connection)
            return self._failed
        for item, _, _ in results:
            self._rows.forget(item)
        return None


def _roll_back(connection: sqlite3.Connection) -> None:
    """Leave what was begun; a connection that cannot even do that is not used again."""
    with suppress(sqlite3.Error):
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _sealed(connection: sqlite3.Connection) -> bool:
    row = connection.execute("SELECT value FROM meta WHERE name = 'sealed'").fetchone()
    return bool(row[0] != "0")


def _outlived(shard: Shard) -> StoreError:
    return StoreError(
        "a newer run owns the store",
        where=str(shard.path),
        expected="an open shard",
        got="a shard that has been sealed",
        mend="Nothing to do: this worker has outlived its run, and the newer one goes on.",
    )


def _failure(error: Exception, shard: Shard) -> StoreError:
    if isinstance(error, sqlite3.IntegrityError):
        return StoreError(
            "a call or a result was recorded twice",
            where=str(shard.path),
            expected="each (session, draft, step, attempt) and each item once",
            got=str(error),
            mend="Two items share a session id, or one step was asked twice at the same time.",
        )
    if isinstance(error, sqlite3.Error):
        return shards.told(error, shard.path)
    return StoreError(
        "a call or a result cannot be stored",
        where=str(shard.path),
        got=f"{type(error).__name__}: {error}",
        mend="This is a fault of the program: report it with the text above. What was recorded "
        "before is safe.",
    )


def _tell(batch: list[Write], error: StoreError | None) -> None:
    """Resolve the futures, waking each event loop once."""
    loops: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for write in batch:
        loops.setdefault(write.loop, []).append(write.told)
    for loop, futures in loops.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, futures, error)


def _resolve(futures: list[asyncio.Future[None]], error: StoreError | None) -> None:
    for future in futures:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
