"""Shards in PostgreSQL: several workers, and several runs, write to one database at once.

The schema is the files' own; each shard's rows carry the number of its writer. A worker whose
shard was sealed, or whose epoch is over, is refused within the transaction that would have added
something: it holds a share lock on its row of `writers`, which whoever seals must wait for.
"""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import and_, create_engine, event, select
from sqlalchemy.exc import DatabaseError

from domain.errors import StoreError
from engine.ledger.place import Place, new_place, note
from engine.ledger.schema import (
    BATCHES,
    META,
    METADATA,
    RESULTS,
    SCHEMA_VERSION,
    TALLIES,
    WRITERS,
    insert,
    upsert,
)
from engine.ledger.sqlite import another_version
from engine.ledger.writer import outlived, twice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from engine.ledger.block import Block
    from engine.ledger.rows import Result
    from engine.ledger.scribe import Batch
    from engine.ledger.shards import Shard

VARIABLES = ("PGPASSWORD", "PGPASSFILE", "PGSSLMODE", "PGSSLROOTCERT")
"""What libpq reads from the environment; workers need it as the driver has it."""
_TIMEOUT_S = 10
_LOCKS = 0x52454845
"""The first half of our advisory locks, "REHE": other programs' locks are not taken for ours."""
_KEEPALIVE = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
"""A holder whose machine is gone loses its lock after about a minute."""


def connect(url: str, name: str = "rehearsal", options: str = "") -> psycopg.Connection[Any]:
    """Connect; statements commit one by one unless a transaction is begun.

    The password is libpq's business: PGPASSWORD, or ~/.pgpass.

    Raises:
        StoreError: The database does not answer or does not let us in.
    """
    try:
        return psycopg.connect(
            url,
            autocommit=True,
            application_name=name[:63],
            connect_timeout=_TIMEOUT_S,
            options=options,
        )
    except psycopg.Error as error:
        raise told(error, url) from error


class PostgresTable:
    """A new shard, open for writing; used by one thread.

    Raises:
        StoreError: It cannot be made, or a newer epoch of the run has begun.
    """

    def __init__(self, shard: Shard) -> None:
        place = _placed(shard)
        self.where = shard.where
        self._url = place.url
        self._connection = connect(place.url)
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                cursor.execute("SELECT epoch FROM runs WHERE id = %s FOR SHARE", (place.run,))
                if cursor.fetchone() != (shard.epoch,):
                    raise outlived(self.where)
                cursor.execute(
                    "INSERT INTO writers (run, epoch, worker, sealed) VALUES (%s, %s, %s, 0) "
                    "RETURNING id",
                    (place.run, shard.epoch, shard.worker),
                )
                found = cursor.fetchone()
        except psycopg.Error as error:
            raise told(error, place.url) from error
        writer = int(found[0]) if found else 0
        self._writer = writer
        self._session = f"INSERT INTO sessions (writer, id, name) VALUES ({writer}, %s, %s)"  # noqa: S608 - a number
        self._label = f"UPDATE sessions SET label = %s WHERE writer = {writer} AND id = %s"  # noqa: S608 - a number
        self._call = "COPY calls (writer, session, draft, step, attempt, seq) FROM STDIN"
        self._replaced = f"DELETE FROM batches WHERE writer = {writer} AND first >= %s"  # noqa: S608 - a number
        self._batch = insert(BATCHES, "%s", writer)
        self._result = insert(RESULTS, "%s", writer)
        self._tally = upsert(TALLIES, "%s", writer)

    def commit(self, batch: Batch, block: Block | None, results: list[tuple[int, Result]]) -> None:
        """Add a batch in one transaction.

        Raises:
            StoreError: The database refuses it or is gone, or the shard is sealed; nothing was
                added.
        """
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                cursor.execute(
                    "SELECT sealed FROM writers WHERE id = %s FOR SHARE", (self._writer,)
                )
                if cursor.fetchone() != (0,):
                    raise outlived(self.where)
                self._add(cursor, batch, block, results)
        except psycopg.IntegrityError as error:
            raise twice(error, self.where) from error
        except psycopg.Error as error:
            raise told(error, self._url) from error

    def _add(
        self,
        cursor: psycopg.Cursor[Any],
        batch: Batch,
        block: Block | None,
        results: list[tuple[int, Result]],
    ) -> None:
        if batch.sessions:
            cursor.executemany(self._session, batch.sessions)
        if block is not None:
            with cursor.copy(self._call) as copy:
                for call in batch.calls:
                    copy.write_row((self._writer, *call))
            if block.first < batch.first:
                cursor.execute(self._replaced, (block.first,))
            cursor.execute(self._batch, block)
            cursor.executemany(self._tally, batch.tallies)
        if results:
            cursor.executemany(self._label, [(one.label, number) for number, one in results])
            rows = [(number, one.data, one.checksum) for number, one in results]
            cursor.executemany(self._result, rows)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@contextmanager
def reading(place: Place) -> Iterator[Connection]:
    """Connect for reading; everything that is read is of one moment.

    Raises:
        StoreError: The database does not answer, or its tables are of another version.
    """
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: connect(place.url),
        isolation_level="REPEATABLE READ",
    )

    @event.listens_for(engine, "begin")
    def _only_read(connection: Connection) -> None:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")

    try:
        with engine.connect() as connection:
            _check_version(connection, place.url)
            yield connection
    except DatabaseError as error:
        raise told(error.orig or error, place.url) from error
    finally:
        engine.dispose()


def _check_version(connection: Connection, url: str) -> None:
    found = connection.scalar(select(META.c.value).where(META.c.name == "schema_version"))
    if found != str(SCHEMA_VERSION):
        raise another_version(url, str(found))


def writer_of(connection: Connection, shard: Shard) -> int | None:
    """Return the number of a shard's writer; None where it was never made."""
    run = _placed(shard).run
    mine = and_(WRITERS.c.run == run, WRITERS.c.epoch == shard.epoch)
    return connection.scalar(select(WRITERS.c.id).where(mine, WRITERS.c.worker == shard.worker))


def writers_of(place: Place) -> list[tuple[int, int]]:
    """Return (epoch, worker) of a run's shards, in order."""
    query = select(WRITERS.c.epoch, WRITERS.c.worker).where(WRITERS.c.run == place.run)
    with reading(place) as connection:
        found = connection.execute(query.order_by(WRITERS.c.epoch, WRITERS.c.worker))
        return [(row.epoch, row.worker) for row in found]


def seal(shard: Shard) -> None:
    """Close a shard to writing for good; waits for a transaction that is under way.

    Raises:
        StoreError: The database does not answer.
    """
    place = _placed(shard)
    with _changing(place.url) as connection:
        connection.execute(
            "UPDATE writers SET sealed = 1 WHERE run = %s AND epoch = %s AND worker = %s",
            (place.run, shard.epoch, shard.worker),
        )


def begin(folder: Path, run_hash: str, url: str) -> Place:
    """Make a run in the database, and the tables where there are none; the folder notes it.

    Raises:
        StoreError: The database does not answer or is of another version, or the folder cannot
            be written.
    """
    place = new_place(url)
    _prepare(url)
    with _changing(url) as connection:
        connection.execute(
            "INSERT INTO runs (id, run_hash, epoch) VALUES (%s, %s, 0)", (place.run, run_hash)
        )
    note(folder, place)
    return place


def begin_epoch(place: Place, run_hash: str) -> int:
    """Begin a run's next epoch; shards of earlier ones are sealed.

    Raises:
        ResumeRefusedError: The run was begun with other prompts or config.
        StoreError: The database does not answer, or lacks the run.
    """
    from engine.ledger.shards import other_run

    with _changing(place.url) as connection:
        found = connection.execute(
            "SELECT run_hash, epoch FROM runs WHERE id = %s FOR UPDATE", (place.run,)
        ).fetchone()
        if found is None:
            raise StoreError(
                "the database does not know the run",
                where=place.url,
                expected=f"run {place.run}",
                mend="Restore the database, or start a new run under another name.",
            )
        if found[0] != run_hash:
            raise other_run(place.url, str(found[0]), run_hash)
        connection.execute("UPDATE runs SET epoch = epoch + 1 WHERE id = %s", (place.run,))
        connection.execute("UPDATE writers SET sealed = 1 WHERE run = %s", (place.run,))
    return int(found[1]) + 1


@contextmanager
def held(place: Place) -> Iterator[None]:
    """Hold a run across machines: an advisory lock, which ends with the connection.

    Raises:
        StoreError: Another process holds it; it is named.
    """
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    me = f"rehearsal {os.getpid()} on {socket.gethostname()[:24]} since {now}"
    key = int(place.run[:8], 16) - 2**31
    connection = connect(place.url, me, _KEEPALIVE)
    try:
        got = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (_LOCKS, key)).fetchone()
        if got != (True,):
            raise StoreError(
                "another process is writing to this run",
                where=f"{place.url}, run {place.run}",
                got=f"held by {_holder(connection, key)}",
                mend="Wait for it, or stop it; the lock is free as soon as it has ended.",
            )
        yield
    except psycopg.Error as error:
        raise told(error, place.url) from error
    finally:
        connection.close()


def _holder(connection: psycopg.Connection[Any], key: int) -> str:
    found = connection.execute(
        "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE l.locktype = 'advisory' AND l.classid = %s AND l.objid = %s AND l.granted",
        (_LOCKS, key % 2**32),
    ).fetchone()
    return str(found[0]).removeprefix("rehearsal ") if found else "a process that has just ended"


def _prepare(url: str) -> None:
    """Make the tables in a database that has none, and refuse those of another version."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: connect(url))
    try:
        with engine.begin() as connection:
            # two runs that begin at once in a new database must not both make the tables
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCKS})")
            METADATA.create_all(connection)
            if connection.scalar(select(META.c.value).limit(1)) is None:
                connection.execute(
                    META.insert().values(name="schema_version", value=str(SCHEMA_VERSION))
                )
            _check_version(connection, url)
    except DatabaseError as error:
        raise told(error.orig or error, url) from error
    finally:
        engine.dispose()


@contextmanager
def _changing(url: str) -> Iterator[psycopg.Connection[Any]]:
    connection = connect(url)
    try:
        with connection.transaction():
            yield connection
    except psycopg.Error as error:
        raise told(error, url) from error
    finally:
        connection.close()


def _placed(shard: Shard) -> Place:
    if shard.place is None:
        raise ValueError(f"{shard} lies in a file")
    return shard.place


def told(error: BaseException, url: str) -> StoreError:
    """Say in plain words what the database says."""
    got = " ".join(str(error).split())
    if isinstance(error, psycopg.errors.DiskFull):
        mend = "Free some space on its machine; what was recorded is kept, and `campaign resume` "
        return StoreError("the disk is full", where=url, got=got, mend=f"{mend}continues.")
    if isinstance(error, psycopg.errors.UndefinedTable):
        mend = "Check `engine.store`; a new run makes its tables itself."
        return StoreError("the database holds no ledger", where=url, got=got, mend=mend)
    return StoreError(
        "the database cannot be used",
        where=url,
        got=got,
        mend="Check that it runs and that user and password are right; the password is read from "
        "PGPASSWORD or ~/.pgpass. What was recorded is kept.",
    )
