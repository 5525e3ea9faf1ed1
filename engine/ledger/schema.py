"""The tables of a ledger: one schema for SQLite shards and for PostgreSQL.

A shard is what one worker writes in one epoch: a file of its own in SQLite, the rows under one
`writer` in PostgreSQL. `docs/store.md` says how the tables hang together.
"""

from __future__ import annotations

from functools import cache

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

SCHEMA_VERSION = 2

METADATA = MetaData()


def _number(name: str, *, key: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=key, autoincrement=False, nullable=False)


META = Table(
    "meta",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""schema_version."""

RUNS = Table(
    "runs",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("run_hash", Text, nullable=False),
    _number("epoch"),
)
"""Whose shards lie here, and the epoch that may write. One row in a file of SQLite."""

WRITERS = Table(
    "writers",
    METADATA,
    # in SQLite always 1: a file has one writer
    Column("id", Integer, primary_key=True),
    Column("run", Text, nullable=False),
    _number("epoch"),
    _number("worker"),
    _number("sealed"),
    UniqueConstraint("run", "epoch", "worker"),
)
"""The shards; `sealed` is 1 once a newer one has taken over, and then nothing may be added."""

SESSIONS = Table(
    "sessions",
    METADATA,
    _number("writer", key=True),
    _number("id", key=True),
    Column("name", Text, nullable=False),
    Column("label", Text),
    UniqueConstraint("writer", "name"),
    sqlite_with_rowid=False,
)
"""Items that have calls or a result; `label` is NULL until an item is finished."""

CALLS = Table(
    "calls",
    METADATA,
    _number("writer", key=True),
    _number("session", key=True),
    _number("draft", key=True),
    _number("step", key=True),
    _number("attempt", key=True),
    _number("seq"),
    sqlite_with_rowid=False,
)
"""Where each call stands: the shard's calls are numbered from 1 in the order of writing."""

BATCHES = Table(
    "batches",
    METADATA,
    _number("writer", key=True),
    _number("first", key=True),
    _number("calls"),
    Column("hashes", LargeBinary, nullable=False),
    Column("data", LargeBinary, nullable=False),
    _number("checksum"),
)
"""Calls that were committed together: `calls` of them from number `first` on.

`hashes` are the SHA-256 of their requests, 32 bytes each; `data` is everything else, see
`engine.ledger.block`; `checksum` is the CRC-32 of first, calls, hashes and data.
"""

RESULTS = Table(
    "results",
    METADATA,
    _number("writer", key=True),
    _number("session", key=True),
    Column("data", LargeBinary, nullable=False),
    _number("checksum"),
)
"""One row per finished item: its bytes as a Zstandard frame, and the CRC-32 of name, label and
frame."""

TALLIES = Table(
    "tallies",
    METADATA,
    _number("writer", key=True),
    _number("kind", key=True),
    Column("role", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("finish_reason", Text, nullable=False),
    _number("calls"),
    _number("prompt_tokens"),
    _number("completion_tokens"),
    _number("cached_tokens"),
    _number("estimated_prompt"),
    _number("estimated_completion"),
    _number("checksum"),
    # its index is a second copy of what the kinds are: without them no call can be read
    UniqueConstraint("writer", "kind", "role", "endpoint", "model", "outcome", "finish_reason"),
)
"""Running totals of a shard's calls of one kind, written in the transaction that adds the calls.

Blocks name a call's kind by its number. The estimates are of calls whose endpoint reported no
tokens. `checksum` is the CRC-32 of the columns from `kind` to the estimates as a JSON array.
"""


@cache
def create_statements() -> tuple[str, ...]:
    """Return the SQL that creates the tables in SQLite, in order."""
    dialect = sqlite.dialect()
    tables = METADATA.sorted_tables
    return tuple(str(CreateTable(table).compile(dialect=dialect)) for table in tables)


def insert(table: Table, mark: str, writer: int) -> str:
    """Return a plain INSERT for a driver whose placeholder is `mark`; the writer is filled in.

    The hot path hands rows to the driver itself; SQLAlchemy is for schema and reading.
    """
    names = ", ".join(column.name for column in table.columns)
    marks = ", ".join([str(int(writer)), *[mark] * (len(table.columns) - 1)])
    return f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608 - names from here


def upsert(table: Table, mark: str, writer: int) -> str:
    """Return an INSERT that replaces the numbers of the row that has the key, if there is one.

    What a row says in words never changes; both databases understand it.
    """
    keys = ", ".join(column.name for column in table.primary_key)
    rest = [
        column.name
        for column in table.columns
        if not column.primary_key and not isinstance(column.type, Text)
    ]
    sets = ", ".join(f"{name} = excluded.{name}" for name in rest)
    return f"{insert(table, mark, writer)} ON CONFLICT ({keys}) DO UPDATE SET {sets}"
