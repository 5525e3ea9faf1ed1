"""Connections to the database: for reading, for one change, and what its errors mean."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import NullPool, create_engine, event, select
from sqlalchemy.exc import DatabaseError

from domain.errors import StoreAwayError, StoreError
from engine.ledger.schema import META, SCHEMA_VERSION
from engine.ledger.shard import another_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, ExceptionContext

    from engine.ledger.place import Place

VARIABLES = ("PGPASSWORD", "PGPASSFILE", "PGSSLMODE", "PGSSLROOTCERT")
"""What libpq reads from the environment; workers need it as the driver has it."""
_TIMEOUT_S = 10
_FULL = ("too many clients", "too many connections", "connection slots are reserved")
"""What a server says that has no connection left; at connecting, libpq passes on no error code."""


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


@contextmanager
def reading(place: Place, *, moment: bool = True) -> Iterator[Connection]:
    """Connect for reading.

    Args:
        place: Where.
        moment: Whether everything that is read is to be of one moment: a transaction then stays
            open as long as the connection. Without it none does.

    Raises:
        StoreError: The database does not answer, or its tables are of another version. Also from
            whatever is read over the connection.
    """
    engine = create_engine(
        "postgresql+psycopg://",
        poolclass=NullPool,
        creator=lambda: connect(place.url),
        isolation_level="REPEATABLE READ" if moment else "AUTOCOMMIT",
    )

    @event.listens_for(engine, "handle_error")
    def _tell(context: ExceptionContext) -> None:
        if isinstance(context.sqlalchemy_exception, DatabaseError):
            raise told(context.original_exception, place.url) from context.original_exception

    with engine.connect() as connection:
        if moment:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        check_version(connection, place.url)
        yield connection


@contextmanager
def changing(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Connect for one transaction, which is committed at the end.

    Raises:
        StoreError: The database does not answer.
    """
    connection = connect(url)
    try:
        with connection.transaction():
            yield connection
    except psycopg.Error as error:
        raise told(error, url) from error
    finally:
        connection.close()


def check_version(connection: Connection, url: str) -> None:
    """Raise a StoreError where the tables are of another version."""
    found = connection.scalar(select(META.c.value).where(META.c.name == "schema_version"))
    if found != str(SCHEMA_VERSION):
        raise another_version(url, str(found))


def told(error: BaseException, url: str) -> StoreError:
    """Say in plain words what the database says."""
    got = " ".join(str(error).split())
    if isinstance(error, psycopg.errors.DiskFull):
        mend = "Free some space on its machine; what was recorded is kept, and `campaign resume` "
        return StoreError("the disk is full", where=url, got=got, mend=f"{mend}continues.")
    if isinstance(error, psycopg.errors.UndefinedTable):
        mend = "Check `engine.store`; a new run makes its tables itself."
        return StoreError("the database holds no ledger", where=url, got=got, mend=mend)
    if isinstance(error, psycopg.errors.TooManyConnections) or any(said in got for said in _FULL):
        return StoreError(
            "the database takes no more connections",
            where=url,
            expected="one for the run and two for each of its workers",
            got=got,
            mend="Lower engine.workers, close other programs that use the database, or raise its "
            "max_connections; what was recorded is kept, and `campaign resume` continues.",
        )
    return StoreAwayError(
        "the database cannot be used",
        where=url,
        got=got,
        mend="Check that it runs and that user and password are right; the password is read from "
        "PGPASSWORD or ~/.pgpass. What was recorded is kept.",
    )
