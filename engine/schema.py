"""The tables of a ledger shard: one schema for writing, reading and, later, other databases."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

SCHEMA_VERSION = 1

METADATA = MetaData()

META = Table(
    "meta",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""schema_version, run_hash, epoch, worker, sealed."""

CALLS = Table(
    "calls",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("session", Text, nullable=False),
    Column("draft", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("role", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("base", Integer, nullable=False),
    Column("prefix", Integer, nullable=False),
    Column("added", LargeBinary, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("cached_tokens", Integer, nullable=False),
    Column("latency_ms", Float, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("checksum", Integer, nullable=False),
    UniqueConstraint("session", "draft", "step", "attempt"),
)
"""One row per call. The request is `prefix` bytes of row `base`'s request (0: no base) and what
`added` inflates to; `answer` is the deflated JSON of the rest of the result; `checksum` is the
CRC-32 of everything else in the row."""

RESULTS = Table(
    "results",
    METADATA,
    Column("item", Text, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("checksum", Integer, nullable=False),
)
"""One row per finished item: its deflated bytes and the CRC-32 of item and bytes."""

CALL_COLUMNS = tuple(column.name for column in CALLS.columns)
CHECKED_COLUMNS = CALL_COLUMNS[:-1]

# The hot path hands rows to the driver's own executemany, so the statements are plain text.
INSERT_CALL = (
    f"INSERT INTO calls ({', '.join(CALL_COLUMNS)}) "  # noqa: S608 - names from this file
    f"VALUES ({', '.join('?' * len(CALL_COLUMNS))})"
)
INSERT_RESULT = "INSERT INTO results (item, data, checksum) VALUES (?, ?, ?)"
INSERT_META = "INSERT INTO meta (name, value) VALUES (?, ?)"


def create_statements() -> list[str]:
    """Return the SQL that creates the tables in SQLite, in order."""
    dialect = sqlite.dialect()
    return [str(CreateTable(table).compile(dialect=dialect)) for table in METADATA.sorted_tables]
