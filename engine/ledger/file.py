"""A shard's file, open for reading."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import NullPool, create_engine, event
from sqlalchemy.exc import DatabaseError

from engine.ledger import sqlite
from engine.ledger.shard import damaged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine, ExceptionContext

    from engine.ledger.shard import Shard

_OPENING: ContextVar[Shard] = ContextVar("opening")
_SHARD = "shard"


@contextmanager
def reading(shard: Shard, *, moment: bool) -> Iterator[Connection | None]:
    """Open a file; None if its creation was cut short.

    Args:
        shard: Whose file.
        moment: Whether everything that is read is to be of one moment. Until the file is closed
            its log is then not begun anew, however long that gets.

    Raises:
        StoreError: It is damaged, of another version, or cannot be opened. Also from whatever is
            read over the connection.
    """
    if not shard.path.exists() or sqlite.is_empty(shard):
        yield None
        return
    with _connect(shard) as connection:
        if moment:  # SQLAlchemy leaves it to the driver, which does not
            connection.exec_driver_sql("BEGIN")
        yield connection


def _connect(shard: Shard) -> Connection:
    before = _OPENING.set(shard)
    try:
        connection = _engine().connect()
    except DatabaseError as error:
        raise sqlite.told(sqlite3.OperationalError(str(error.orig)), shard.path) from error
    finally:
        _OPENING.reset(before)
    connection.info[_SHARD] = shard
    return connection


@cache
def _engine() -> Engine:
    """Return the engine of all files: each of its own would compile every statement anew."""
    engine = create_engine(
        "sqlite://", poolclass=NullPool, creator=lambda: sqlite.connect(_OPENING.get().path)
    )
    event.listen(engine, "handle_error", _tell)
    return engine


def _tell(context: ExceptionContext) -> None:
    """Name the shard that an error comes from, whoever reads it."""
    if context.connection is not None and isinstance(context.sqlalchemy_exception, DatabaseError):
        shard: Shard = context.connection.info[_SHARD]
        raise damaged(shard, str(context.original_exception)) from context.original_exception
