"""A shard as a file of SQLite: made, written, sealed, and what its errors mean."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING

from domain.errors import StoreError
from engine.ledger.schema import (
    BATCHES,
    CALLS,
    RESULTS,
    SCHEMA_VERSION,
    TALLIES,
    create_statements,
    insert,
    upsert,
)
from engine.ledger.shard import another_version
from engine.ledger.writer import outlived, twice

if TYPE_CHECKING:
    from pathlib import Path

    from engine.ledger.block import Block
    from engine.ledger.rows import Result
    from engine.ledger.scribe import Batch
    from engine.ledger.shard import Shard

WRITER = 1
"""The only writer of a file."""
_BUSY_S = 30.0
_UNWRITABLE = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
"""What SQLite says where it cannot make the index of a log, which it needs to read one."""
_LOG = "a killed process has left a log, which cannot be read where nothing can be written"
_CHECKPOINT_PAGES = 2000
"""Pages of 4 KiB that the log may hold before they are copied into the file: pages that are
written often, such as those of the totals, are then copied once."""

_SESSION = "INSERT INTO sessions (writer, id, name) VALUES (1, ?, ?)"
_LABEL = "UPDATE sessions SET label = ? WHERE writer = 1 AND id = ?"
_CALL = insert(CALLS, "?", WRITER)
_REPLACED = "DELETE FROM batches WHERE writer = 1 AND first >= ?"
_BATCH = insert(BATCHES, "?", WRITER)
_RESULT = insert(RESULTS, "?", WRITER)
_TALLY = upsert(TALLIES, "?", WRITER)


def connect(path: Path, *, write: bool = False) -> sqlite3.Connection:
    """Open a shard. SQLite's own errors are left to the caller's `told`.

    A reader opens read-write as well where it may, because reading a log that a killed process
    left behind needs its index file; it never writes.
    """
    if write:
        return _opened(path, "mode=rwc")
    connection = _opened(path, "mode=rw")
    try:
        connection.execute("PRAGMA query_only=ON")
        connection.execute("PRAGMA schema_version")  # the first to look into the file
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF not in _UNWRITABLE:
            raise
        return _unwritten(path)
    except BaseException:
        connection.close()
        raise
    return connection


def _unwritten(path: Path) -> sqlite3.Connection:
    """Open a shard where nothing can be written: on a file system that is mounted read-only, say.

    Without a log all is in the file, which can then be read as one that nobody changes.
    """
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        raise sqlite3.OperationalError(f"{_LOG}: {log.name}")
    return _opened(path, "mode=ro&immutable=1")


def _opened(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}",
        uri=True,
        timeout=_BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )


class SqliteTable:
    """A new shard, open for writing; used by one thread.

    WAL with synchronous=NORMAL: a killed process loses nothing that was committed; a power cut
    may lose the last commits but leaves the file whole.

    Args:
        shard: The shard to create.
        run_hash: Hash of prompts and config.
        page_limit: Bound on its size in pages of 4 KiB; None leaves it to the disk.

    Raises:
        StoreError: It cannot be created.
    """

    def __init__(self, shard: Shard, run_hash: str, page_limit: int | None = None) -> None:
        self._path = shard.path
        try:
            with ExitStack() as opening:
                shard.path.parent.mkdir(parents=True, exist_ok=True)
                self._connection = opening.enter_context(closing(connect(shard.path, write=True)))
                self._create(shard, run_hash)
                if page_limit is not None:
                    self._connection.execute(f"PRAGMA max_page_count={int(page_limit)}")
                opening.pop_all()
        except (sqlite3.Error, OSError) as error:
            known = error if isinstance(error, sqlite3.Error) else sqlite3.Error(str(error))
            raise told(known, shard.path) from error

    @property
    def where(self) -> str:
        """The file."""
        return str(self._path)

    def _create(self, shard: Shard, run_hash: str) -> None:
        run = self._connection.execute
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=NORMAL")
        run(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        run("BEGIN IMMEDIATE")
        for statement in create_statements():
            run(statement)
        run("INSERT INTO meta VALUES ('schema_version', ?)", (str(SCHEMA_VERSION),))
        run("INSERT INTO runs VALUES ('', ?, ?)", (run_hash, shard.epoch))
        run("INSERT INTO writers VALUES (1, '', ?, ?, 0)", (shard.epoch, shard.worker))
        run("COMMIT")

    def commit(self, batch: Batch, block: Block | None, results: list[tuple[int, Result]]) -> None:
        """Add a batch in one transaction.

        Raises:
            StoreError: The disk is full, the shard is damaged or sealed; nothing was added.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            if self._sealed():
                raise outlived(self.where)
            self._add(batch, block, results)
            self._connection.execute("COMMIT")
        except sqlite3.IntegrityError as error:
            raise twice(error, self.where) from error
        except sqlite3.Error as error:
            raise told(error, self._path) from error
        finally:
            self._roll_back()

    def _add(self, batch: Batch, block: Block | None, results: list[tuple[int, Result]]) -> None:
        many = self._connection.executemany
        if batch.sessions:
            many(_SESSION, batch.sessions)
        if block is not None:
            many(_CALL, batch.calls)
            if block.first < batch.first:
                self._connection.execute(_REPLACED, (block.first,))
            self._connection.execute(_BATCH, block)
            many(_TALLY, batch.tallies)
        if results:
            many(_LABEL, [(one.label, number) for number, one in results])
            many(_RESULT, [(number, one.data, one.checksum) for number, one in results])

    def _sealed(self) -> bool:
        found = self._connection.execute("SELECT sealed FROM writers WHERE id = 1").fetchone()
        return bool(found[0])

    def _roll_back(self) -> None:
        """Leave what was begun; a connection that cannot even do that is not used again."""
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def is_empty(shard: Shard) -> bool:
    """Whether a shard holds nothing, because its creation was cut short.

    Raises:
        StoreError: The file is damaged, no shard, or of another version.
    """
    try:
        with closing(connect(shard.path)) as connection:
            if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                return True
            version = connection.execute(
                "SELECT value FROM meta WHERE name = 'schema_version'"
            ).fetchone()
    except sqlite3.Error as error:
        raise told(error, shard.path) from error
    if version is None or version[0] != str(SCHEMA_VERSION):
        raise another_version(shard.where, "nothing" if version is None else str(version[0]))
    return False


def run_hash_of(shard: Shard) -> str | None:
    """Return the hash that a shard was begun with; None where it is empty.

    Raises:
        StoreError: It is damaged.
    """
    if is_empty(shard):
        return None
    try:
        with closing(connect(shard.path)) as connection:
            return str(connection.execute("SELECT run_hash FROM runs").fetchone()[0])
    except (sqlite3.Error, TypeError) as error:
        raise told(sqlite3.DatabaseError(str(error)), shard.path) from error


def is_sealed(shard: Shard) -> bool:
    """Whether a shard is closed to writing; one whose creation has not ended is not.

    Raises:
        StoreError: It is damaged.
    """
    if is_empty(shard):
        return False
    try:
        with closing(connect(shard.path)) as connection:
            return bool(connection.execute("SELECT sealed FROM writers").fetchone()[0])
    except (sqlite3.Error, TypeError) as error:
        raise told(sqlite3.DatabaseError(str(error)), shard.path) from error


def seal(shard: Shard) -> None:
    """Close a shard to writing for good: a worker that still has it open is refused.

    Raises:
        StoreError: The file is damaged or cannot be written.
    """
    if not shard.path.exists() or is_empty(shard):
        return
    try:
        with closing(connect(shard.path, write=True)) as connection:
            connection.execute("UPDATE writers SET sealed = 1 WHERE sealed = 0")
    except sqlite3.Error as error:
        raise told(error, shard.path) from error


def told(error: sqlite3.Error, path: Path) -> StoreError:
    """Say in plain words what SQLite says of a shard."""
    text = str(error)
    if "full" in text:
        mend = "Free some space; what was recorded is kept, and `campaign resume` continues."
        return StoreError("the disk is full", where=str(path), got=text, mend=mend)
    if "malformed" in text or "not a database" in text or "no such table" in text:
        mend = (
            "Run `rehearsal campaign repair`: it keeps what can be read and says what is lost; "
            "that will be asked again."
        )
        return StoreError("the shard is damaged or no ledger", where=str(path), got=text, mend=mend)
    if _LOG in text:
        mend = "Copy the whole run to where it can be written, and read the copy."
        return StoreError("the shard cannot be read here", where=str(path), got=text, mend=mend)
    mend = "Check that the folder can be written and that the disk is healthy."
    return StoreError("the shard cannot be used", where=str(path), got=text, mend=mend)
