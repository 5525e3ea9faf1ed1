"""A run in the database: begun, its epochs, and held by one process at a time."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import create_engine, select
from sqlalchemy.exc import DatabaseError

from domain.errors import StoreError
from engine.ledger.place import Place, new_place, note
from engine.ledger.postgres.connection import changing, check_version, connect, told
from engine.ledger.schema import META, METADATA, SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOCKS = 0x52454845
"""The first half of our advisory locks, "REHE": other programs' locks are not taken for ours."""
_KEEPALIVE = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
"""A holder whose machine is gone loses its lock after about a minute."""


def begin(folder: Path, run_hash: str, url: str) -> Place:
    """Make a run in the database, and the tables where there are none; the folder notes it.

    Raises:
        StoreError: The database does not answer or is of another version, or the folder cannot
            be written.
    """
    place = new_place(url)
    _prepare(url)
    with changing(url) as connection:
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
    from engine.ledger.shard import other_run

    with changing(place.url) as connection:
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
            check_version(connection, url)
    except DatabaseError as error:
        raise told(error.orig or error, url) from error
    finally:
        engine.dispose()
