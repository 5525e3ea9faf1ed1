"""Puts what can be read of a damaged shard's file into a shard of its own, to be read as any.

Rows are told by the types of their columns and believed by their checksums. Of what the small
tables say there is a second copy in their indexes, on other pages: names and numbers of the
sessions, and the kinds of calls. What a lost page said of labels is found by trying: a result's
checksum covers its label.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import zstandard

from engine.ledger import pages, sqlite
from engine.ledger.block import Block, is_whole
from engine.ledger.rows import (
    Kind,
    Result,
    Tally,
    result_is_whole,
    tally_checksum,
    unpack_result,
)
from engine.ledger.schema import BATCHES, RESULTS, SCHEMA_VERSION, TALLIES, insert, upsert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from engine.ledger.shard import Shard

Place = tuple[int, int, int]
"""Draft, step and attempt."""

_LETTERS = {int: "i", str: "t", bytes: "b", type(None): "n"}
_BATCH = f"{insert(BATCHES, '?', sqlite.WRITER)} ON CONFLICT (writer, first) DO UPDATE SET \
calls = excluded.calls, hashes = excluded.hashes, data = excluded.data, \
checksum = excluded.checksum WHERE excluded.calls > calls"

_RESULT = f"{insert(RESULTS, '?', sqlite.WRITER)} ON CONFLICT DO NOTHING"
_CALLS = 6
"""Where a row of totals, without its writer, has the number of calls."""


@dataclass
class Salvaged:
    """What is known of a shard besides its calls and results."""

    run_hash: str | None = None
    version: str | None = None
    names: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Of the sessions, by number; one that two copies tell differently is not believed."""
    labels: dict[int, str] = field(default_factory=dict)
    kinds: dict[int, Kind] = field(default_factory=dict)
    tallies: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    """Rows of totals that are whole, by kind."""
    places: dict[int, tuple[int, Place]] = field(default_factory=dict)
    """Session and place of every call that the index speaks of, by the call's number."""
    orphans: int = 0
    """Results whose session or label nothing tells any more."""


def salvage(damaged: Shard, made: Shard, label_of: Callable[[bytes], str]) -> Salvaged:
    """Read a damaged file into a new one.

    Args:
        damaged: What is read; nothing of it is changed.
        made: What is written; it must not be there yet.
        label_of: Says which label a result is likely to have had, should that be lost.

    Raises:
        StoreError: The new file cannot be written.
        OSError: The damaged one cannot be opened.
    """
    found = Salvaged()
    sqlite.SqliteTable(made, "").close()
    try:
        with closing(sqlite.connect(made.path, write=True)) as connection:
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("BEGIN")
            for row in pages.rows(damaged.path):
                _keep(found, connection, row)
            _drop_replaced(connection)
            _rebuild(found, connection)
            _label(found, connection, label_of)
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise sqlite.told(error, made.path) from error
    return found


def _keep(found: Salvaged, connection: sqlite3.Connection, row: tuple[Any, ...]) -> None:
    """Take a row for what the types of its columns say that it is."""
    shape = "".join(_LETTERS[type(value)] for value in row)
    if shape == "iiibbi" and is_whole(Block(*row[1:])):
        connection.execute(_BATCH, row[1:])
    elif shape == "iibi":
        connection.execute(_RESULT, row[1:])
    elif shape in _SMALL:
        _SMALL[shape](found, *row)


def _call(found: Salvaged, _: int, session: int, *rest: int) -> None:
    draft, step, attempt, seq = rest
    found.places[seq] = session, (draft, step, attempt)


def _session(found: Salvaged, _: int, number: int, name: str, label: str | None) -> None:
    found.names[number].add(name)
    if label is not None:
        found.labels[number] = label


def _name(found: Salvaged, _: int, name: str, number: int) -> None:
    found.names[number].add(name)


def _tally(found: Salvaged, _: int, number: int, *told: int | str) -> None:
    *counted, checksum = told
    before = found.tallies.get(number)
    later = before is None or before[_CALLS] <= told[_CALLS - 1]  # totals only grow
    if later and tally_checksum((number, *counted)) == checksum:
        found.tallies[number] = number, *told


def _kind(found: Salvaged, _: int, number: int, *kind: str) -> None:
    found.kinds[number] = Kind(*kind[:-1])


def _run(found: Salvaged, name: str, run_hash: str, _: int) -> None:
    if name == "":
        found.run_hash = run_hash


def _meta(found: Salvaged, name: str, value: str) -> None:
    if name == "schema_version":
        found.version = value


_SMALL: dict[str, Callable[..., None]] = {
    "iiiiii": _call,
    "iitt": _session,
    "iitn": _session,
    "iti": _name,
    "iitttttiiiiiii": _tally,
    "iittttti": _kind,
    "tti": _run,
    "tt": _meta,
}
"""The small tables' rows and those of two indexes, the names' and the kinds'."""


def _drop_replaced(connection: sqlite3.Connection) -> None:
    """Remove blocks whose calls stand in a later, larger one: their pages had been set free."""
    end = 0
    gone = []
    blocks = connection.execute("SELECT first, calls FROM batches ORDER BY first, calls DESC")
    for first, calls in blocks:
        if first + calls <= end:
            gone.append((first,))
        end = max(end, first + calls)
    connection.executemany("DELETE FROM batches WHERE first = ?", gone)


def _rebuild(found: Salvaged, connection: sqlite3.Connection) -> None:
    """Write the small tables; totals that are lost are nothing here, and only their kind counts."""
    for number, kind in found.kinds.items():
        if number not in found.tallies:
            connection.execute(upsert(TALLIES, "?", 1), Tally(number, kind).row())
    connection.executemany(upsert(TALLIES, "?", 1), found.tallies.values())
    connection.executemany(
        "INSERT OR IGNORE INTO sessions (writer, id, name, label) VALUES (1, ?, ?, ?)",
        [
            (number, *names, found.labels.get(number))
            for number, names in found.names.items()
            if len(names) == 1
        ],
    )
    connection.execute("UPDATE meta SET value = ?", (str(SCHEMA_VERSION),))


def _label(
    found: Salvaged, connection: sqlite3.Connection, label_of: Callable[[bytes], str]
) -> None:
    """Find the labels of results whose row of `sessions` is lost."""
    known = {"", *found.labels.values()}
    lost = connection.execute(
        "SELECT r.session, s.name, r.data, r.checksum FROM results r LEFT JOIN sessions s "
        "ON s.writer = r.writer AND s.id = r.session WHERE s.label IS NULL"
    ).fetchall()
    for number, name, data, checksum in lost:
        label = None if name is None else _fitting(name, data, checksum, known, label_of)
        if label is None:
            found.orphans += 1
            continue
        connection.execute("UPDATE sessions SET label = ? WHERE id = ?", (label, number))


def _fitting(
    name: str, data: bytes, checksum: int, known: Iterable[str], label_of: Callable[[bytes], str]
) -> str | None:
    """Return the label with which a result has its checksum; None where it is not found."""
    for label in known:
        if result_is_whole(Result(name, label, data, checksum)):
            return label
    try:
        label = label_of(unpack_result(Result(name, "", data, checksum)))
    except (ValueError, zstandard.ZstdError):
        return None
    return label if result_is_whole(Result(name, label, data, checksum)) else None
