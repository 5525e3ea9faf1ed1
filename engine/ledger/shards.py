"""The shards of a ledger: one per worker and epoch, sealed by the next run.

In a folder each is a file of SQLite; with `engine.store` they lie in PostgreSQL, and the folder
holds a note that says where.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import create_engine
from sqlalchemy.exc import DatabaseError

from domain.errors import StoreError
from engine.ledger import sqlite
from engine.ledger.place import NOTE, place_of
from engine.ledger.shard import Shard, damaged, other_run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from engine.ledger.writer import Table

_NAME = re.compile(r"e(\d{3,})-w(\d+)\.sqlite")
_SIDECAR = re.compile(r"e\d{3,}-w\d+\.sqlite-(wal|shm|journal)")


def shard_at(folder: Path, epoch: int, worker: int) -> Shard:
    """Name the shard of a worker in an epoch, e.g. `e003-w1.sqlite`."""
    place = place_of(folder)
    if place is not None:
        return Shard(epoch, worker, folder / NOTE, place)
    return Shard(epoch, worker, folder / f"e{epoch:03d}-w{worker}.sqlite")


def list_shards(folder: Path) -> list[Shard]:
    """Return the ledger's shards by epoch and worker; an absent folder has none.

    Raises:
        StoreError: The folder holds a file that is no shard, or the database does not answer.
    """
    if not folder.is_dir():
        return []
    place = place_of(folder)
    if place is not None:
        from engine.ledger.postgres import writers

        written = writers.writers_of(place)
        return [Shard(epoch, worker, folder / NOTE, place) for epoch, worker in written]
    found = []
    for path in sorted(folder.iterdir()):
        match = _NAME.fullmatch(path.name)
        if match:
            found.append(Shard(int(match[1]), int(match[2]), path))
        elif not _SIDECAR.fullmatch(path.name):
            raise StoreError(
                "a file that is no ledger shard lies in the ledger's folder",
                where=str(path),
                expected="files named like e001-w1.sqlite",
                mend="Move the file elsewhere.",
            )
    return sorted(found)


def create(shard: Shard, run_hash: str, page_limit: int | None = None) -> Table:
    """Make a shard and return it open for writing.

    Raises:
        StoreError: It cannot be made, or a newer epoch has begun.
    """
    if shard.place is not None:
        from engine.ledger.postgres.table import PostgresTable

        return PostgresTable(shard)
    return sqlite.SqliteTable(shard, run_hash, page_limit)


@contextmanager
def reading(shard: Shard) -> Iterator[tuple[Connection, int] | None]:
    """Open a shard for reading: a connection and the number of its writer; None if it is empty.

    Everything that is read over the connection is of one moment.

    Raises:
        StoreError: It is damaged, of another version, or the database does not answer.
    """
    if shard.place is not None:
        from engine.ledger.postgres import connection as postgres
        from engine.ledger.postgres import writers

        with postgres.reading(shard.place) as connection:
            writer = writers.writer_of(connection, shard)
            yield None if writer is None else (connection, writer)
        return
    if not shard.path.exists() or sqlite.is_empty(shard):
        yield None
        return
    engine = create_engine("sqlite://", creator=lambda: sqlite.connect(shard.path))
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(
                "BEGIN"
            )  # SQLAlchemy leaves it to the driver, which does not
            yield connection, sqlite.WRITER
    except DatabaseError as error:
        raise damaged(shard, str(error.orig)) from error
    finally:
        engine.dispose()


def seal(shard: Shard) -> None:
    """Close a shard to writing for good: a worker that still has it open is refused.

    Raises:
        StoreError: It is damaged or cannot be written.
    """
    if shard.place is not None:
        from engine.ledger.postgres import writers

        writers.seal(shard)
    else:
        sqlite.seal(shard)


def begin_epoch(folder: Path, run_hash: str) -> int:
    """Seal every shard of the ledger and return the number of the epoch that starts now.

    The caller holds the run's lock.

    Raises:
        ResumeRefusedError: A shard was written by a run with other prompts or config.
        StoreError: A shard is damaged, a foreign file lies in the folder, or the database does
            not answer.
    """
    place = place_of(folder)
    if place is not None:
        from engine.ledger.postgres import run

        return run.begin_epoch(place, run_hash)
    shards = list_shards(folder)
    for shard in shards:
        before = sqlite.run_hash_of(shard)
        if before is not None and before != run_hash:
            raise other_run(shard.where, before, run_hash)
    for shard in shards:
        sqlite.seal(shard)
    return max((shard.epoch for shard in shards), default=0) + 1


@contextmanager
def held(folder: Path, run_hash: str, url: str | None) -> Iterator[None]:
    """Hold a ledger in PostgreSQL against other machines; one in files has its run's lock file.

    Args:
        folder: The ledger's folder.
        run_hash: Hash of prompts and config.
        url: The database that a ledger which begins now is kept in; None keeps it in the folder.
            One that has begun stays where it is.

    Raises:
        StoreError: Another process holds it, which is named, or the database does not answer.
    """
    place = place_of(folder)
    if place is None and (url is None or list_shards(folder)):
        yield
        return
    from engine.ledger.postgres import run

    with run.held(place or run.begin(folder, run_hash, url or "")):
        yield


def variables(folder: Path) -> tuple[str, ...]:
    """Name the environment variables that workers need to reach the ledger."""
    if place_of(folder) is None:
        return ()
    from engine.ledger.postgres.connection import VARIABLES

    return VARIABLES
