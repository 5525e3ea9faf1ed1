"""Keeps what can be read of a damaged shard, and says what is lost.

A damaged file is moved out of the ledger's folder and a new one with what is whole takes its place.
What is lost is asked again on resume. A session without a result keeps its calls up to the first
that is lost: those after it may rest on another answer than the one that will now be given.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DatabaseError

from domain.errors import StoreError
from engine.ledger import shards, sqlite
from engine.ledger.audit import audit
from engine.ledger.block import Block, Press, is_whole, unpack
from engine.ledger.reader import Named, Reader
from engine.ledger.rows import pack_result, result_press
from engine.ledger.scribe import Scribe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from domain.call import CallRow
    from engine.ledger.shards import Shard

DAMAGED = "damaged"
"""Folder beside the ledger's that damaged files are moved to."""
_AT_ONCE = 64

Place = tuple[int, int, int]


@dataclass(frozen=True)
class Repaired:
    """What became of one shard."""

    shard: str
    calls: int
    """Calls that were kept."""
    lost_calls: int | None
    """Calls that are not; None where nothing says how many there were."""
    results: int
    lost_results: int
    moved_to: str
    """Where the damaged file lies now."""


@dataclass
class _Rest:
    """What can be read of a shard."""

    shard: Shard
    whole: bool
    run_hash: str | None
    calls: dict[str, list[CallRow]]
    """By session, in the order of writing."""
    results: dict[str, tuple[str, bytes]]
    """Label and result of finished items."""
    written: int | None
    """Calls that the shard's totals speak of."""
    lost_results: int
    cut: dict[str, Place]
    """By session, its first call that is lost."""


def repair(folder: Path) -> list[Repaired]:
    """Mend every damaged shard of a ledger in files; the caller holds the run's lock.

    Returns:
        One entry for each shard that was replaced; none where everything is whole.

    Raises:
        StoreError: The ledger lies in PostgreSQL, whose backups are its own, or a file cannot be
            written.
    """
    found = shards.list_shards(folder)
    if any(one.place is not None for one in found):
        raise StoreError(
            "a ledger in PostgreSQL is not repaired here",
            where=found[0].where,
            mend="Restore the database from a backup.",
        )
    rests = [_read(shard) for shard in found]
    if all(rest.whole for rest in rests):
        return []
    run_hash = next((rest.run_hash for rest in rests if rest.run_hash is not None), None)
    finished = {item for rest in rests for item in rest.results}
    cuts: dict[str, Place] = {}
    repaired = []
    for rest in rests:
        for session, place in rest.cut.items():
            cuts[session] = min(place, cuts.get(session, place))
        kept = [row for rows in rest.calls.values() for row in rows if _stays(row, finished, cuts)]
        if rest.whole and len(kept) == sum(map(len, rest.calls.values())):
            continue
        moved = _replace(rest, kept, folder, run_hash)
        lost = None if rest.written is None else rest.written - len(kept)
        repaired.append(
            Repaired(
                rest.shard.path.name,
                len(kept),
                lost,
                len(rest.results),
                rest.lost_results,
                str(moved),
            )
        )
    return repaired


def _stays(row: CallRow, finished: set[str], cuts: dict[str, Place]) -> bool:
    session = row.key.session
    return session in finished or session not in cuts or _place(row) < cuts[session]


def _place(row: CallRow) -> Place:
    return row.key.draft, row.key.step, row.key.attempt


def _read(shard: Shard) -> _Rest:
    rest = _Rest(shard, False, None, {}, {}, None, 0, {})
    try:
        with shards.reading(shard) as opened:
            if opened is None:
                rest.whole = True
                return rest
            reader = Reader(shard, *opened)
            rest.whole = _is_whole(reader)
            _gather(rest, reader)
    except StoreError:
        return rest
    return rest


def _is_whole(reader: Reader) -> bool:
    try:
        audit(reader)
    except (StoreError, DatabaseError, ValueError):
        return False
    return True


def _gather(rest: _Rest, reader: Reader) -> None:
    rows = _Rows(rest.shard)
    rest.run_hash = next((str(row[0]) for row in rows.of("runs", "run_hash", "rowid")), None)
    named = {int(row[0]): Named(*row) for row in rows.of("sessions", "id, name, label", "id")}
    counted = [int(row[0]) for row in rows.of("tallies", "calls", "kind")]
    rest.written = sum(counted) if counted else None
    places = {
        int(row[0]): (int(row[1]), (int(row[2]), int(row[3]), int(row[4])))
        for row in rows.of("calls", "seq, session, draft, step, attempt", "session, draft, step")
    }
    for one in named.values():
        if one.label is not None:
            _keep_result(rest, reader, one)
    blocks = rows.each("batches", "first, calls, hashes, data, checksum", "first")
    for block in (Block(*row) for row in blocks):
        if is_whole(block):
            for at, record in enumerate(unpack(block)):
                seq = block.first + at
                session, _ = places.pop(seq, (record.session, ()))
                place = (record.draft, record.step, record.attempt)
                _keep_call(rest, reader, named.get(session), seq, place)
    for session, place in places.values():  # what only the index still speaks of
        if session in named:
            _cut(rest, named[session].name, place)


def _keep_result(rest: _Rest, reader: Reader, named: Named) -> None:
    try:
        for item, data in reader.results([(named.name, named.number)]):
            rest.results[item] = named.label or "", data
    except (StoreError, DatabaseError, ValueError):
        rest.lost_results += 1


def _keep_call(rest: _Rest, reader: Reader, named: Named | None, seq: int, place: Place) -> None:
    if named is None:
        return
    try:
        rest.calls.setdefault(named.name, []).append(reader.call(named.name, seq))
    except (StoreError, DatabaseError, ValueError):
        _cut(rest, named.name, place)


def _cut(rest: _Rest, session: str, place: Place) -> None:
    rest.cut[session] = min(place, rest.cut.get(session, place))


class _Rows:
    """Reads tables from both ends, each as far as it goes."""

    def __init__(self, shard: Shard) -> None:
        self._shard = shard

    def of(self, table: str, columns: str, order: str) -> list[tuple[Any, ...]]:
        """Return what can be read of a table, in order."""
        there = list(self._scan(f"SELECT {columns} FROM {table} ORDER BY {order}"))  # noqa: S608 - ours
        back = order.replace(",", " DESC,") + " DESC"
        known = set(there)
        more = [
            row
            for row in self._scan(f"SELECT {columns} FROM {table} ORDER BY {back}")  # noqa: S608 - ours
            if row not in known
        ]
        return there + more[::-1]

    def each(self, table: str, columns: str, key: str) -> Iterator[tuple[Any, ...]]:
        """Yield what can be read of a table, row by row.

        A large row goes on in pages of its own; where one of those is damaged, a scan ends there
        or, if it sorts, before it has begun. The other rows are still found by their keys.
        """
        for (value,) in self.of(table, key, key):
            yield from self._scan(f"SELECT {columns} FROM {table} WHERE {key} = ?", value)  # noqa: S608 - ours

    def _scan(self, query: str, *values: int) -> Iterator[tuple[Any, ...]]:
        try:
            with closing(sqlite.connect(self._shard.path)) as connection:
                yield from connection.execute(query, values)
        except sqlite3.Error:
            return  # as far as it goes: what is missing is counted against the totals


def _replace(rest: _Rest, kept: list[CallRow], folder: Path, run_hash: str | None) -> Path:
    """Write what is kept to a new file, and put it in the damaged one's place."""
    path = rest.shard.path
    made = shards.Shard(rest.shard.epoch, rest.shard.worker, folder.parent / f".{path.name}.new")
    _remove(made.path)
    aside = folder.parent / DAMAGED
    try:
        if run_hash is not None:
            _write(made, kept, rest.results, run_hash)
        aside.mkdir(exist_ok=True)
        for suffix in ("", "-wal", "-shm"):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.replace(aside / part.name)
        if run_hash is not None:
            made.path.replace(path)
    except OSError as error:
        raise sqlite.told(sqlite3.OperationalError(str(error)), path) from error
    return aside / path.name


def _write(
    shard: Shard, calls: list[CallRow], results: dict[str, tuple[str, bytes]], run_hash: str
) -> None:
    table = sqlite.SqliteTable(shard, run_hash)
    scribe, press, results_press = Scribe(), Press(), result_press()
    for number, row in enumerate(calls, 1):
        scribe.add(row)
        if number % _AT_ONCE == 0 or number == len(calls):
            batch = scribe.take()
            block = press.block(batch.first, batch.records, batch.literals, batch.hashes)
            table.commit(batch, block, [])
    for item, (label, data) in results.items():
        scribe.finish(item, label, data)
        batch = scribe.take()
        packed = [
            (number, pack_result(results_press, name, label, data))
            for number, name, label, data in batch.results
        ]
        table.commit(batch, None, packed)
    table.close()
    sqlite.seal(shard)


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
