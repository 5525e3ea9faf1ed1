"""What can be read of a shard: all of one that is whole, the rest of one that is damaged."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy.exc import DatabaseError

from domain.errors import StoreError
from engine.ledger import shards, sqlite
from engine.ledger.audit import audit, records
from engine.ledger.reader import Reader
from engine.ledger.salvage import salvage
from engine.ledger.schema import SCHEMA_VERSION
from engine.ledger.shard import Shard, another_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from domain.call import CallRow
    from engine.ledger.reader import Named
    from engine.ledger.salvage import Place

_UNREADABLE = (StoreError, DatabaseError, ValueError)


@dataclass
class Rest:
    """What can be read of a shard."""

    shard: Shard
    whole: bool
    run_hash: str | None = None
    calls: dict[str, list[CallRow]] = field(default_factory=dict)
    """By session, in the order of writing."""
    results: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Label and result of finished items."""
    written: int | None = None
    """Calls that the shard held, as its totals say or, where those are lost, its index; None
    where neither does."""
    tokens: int | None = None
    """Prompt and completion tokens, as its totals say; None where some of those are lost."""
    lost_results: int = 0
    cut: dict[str, Place] = field(default_factory=dict)
    """By session, its first call that is lost."""


def read(shard: Shard, scratch: Path, label_of: Callable[[bytes], str]) -> Rest:
    """Read a shard in a file as far as it goes.

    Args:
        shard: Nothing of it is changed.
        scratch: Where a file may be made, and is removed again.
        label_of: See `salvage`.

    Raises:
        StoreError: The shard is of another version, or the disk is full or cannot be read.
    """
    if _is_whole(shard):
        rest = Rest(shard, whole=True, run_hash=sqlite.run_hash_of(shard))
        _gather(rest, shard, {})
        return rest
    made = Shard(shard.epoch, shard.worker, scratch)
    remove(scratch)
    try:
        found = salvage(shard, made, label_of)
        if found.version not in (None, str(SCHEMA_VERSION)):
            raise another_version(shard.where, str(found.version))
        rest = Rest(shard, whole=False, run_hash=found.run_hash, lost_results=found.orphans)
        _gather(rest, made, found.places)
    except OSError as error:
        raise sqlite.told(sqlite3.OperationalError(str(error)), shard.path) from error
    finally:
        remove(scratch)
    return rest


def remove(path: Path) -> None:
    """Remove a file of SQLite, if there is one, and what lies beside it."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _is_whole(shard: Shard) -> bool:
    """Whether everything is as it was written, and SQLite finds every row by every index."""
    try:
        with shards.reading(shard) as opened:
            if opened is not None:
                audit(Reader(shard, *opened))
        if opened is None:
            return True
        sqlite.run_hash_of(shard)
        with closing(sqlite.connect(shard.path)) as connection:
            sealed = connection.execute("SELECT sealed FROM writers WHERE id = 1").fetchone()
            checked = connection.execute("PRAGMA integrity_check(1)").fetchall()
    except (*_UNREADABLE, sqlite3.Error):
        return False
    return sealed is not None and checked == [("ok",)]


def _gather(rest: Rest, shard: Shard, places: dict[int, tuple[int, Place]]) -> None:
    """Read results and calls; of the calls that the index speaks of, some may be in no block."""
    with shards.reading(shard) as opened:
        if opened is None:
            return
        reader = Reader(shard, *opened)
        names = {one.number: one.name for one in reader.sessions()}
        for one in reader.sessions():
            _keep_result(rest, reader, one)
        known, kinds = set(places), set()
        for seq, record in records(reader):
            known.add(seq)
            kinds.add(record.kind)
            places[seq] = record.session, (record.draft, record.step, record.attempt)
            if _keep_call(rest, reader, names.get(record.session), seq):
                del places[seq]
        _cut(rest, names, places.values())
        _count(rest, reader, len(known), kinds)


def _keep_result(rest: Rest, reader: Reader, one: Named) -> None:
    if one.label is None:
        return
    try:
        for item, data in reader.results([(one.name, one.number)]):
            rest.results[item] = one.label, data
    except _UNREADABLE:
        rest.lost_results += 1


def _keep_call(rest: Rest, reader: Reader, session: str | None, seq: int) -> bool:
    """Keep a call if its request can be rebuilt, which may take others that are lost."""
    if session is None:
        return False
    try:
        row = reader.call(session, seq)
    except _UNREADABLE:
        return False
    rest.calls.setdefault(session, []).append(row)
    return True


def _cut(rest: Rest, names: dict[int, str], lost: Iterable[tuple[int, Place]]) -> None:
    for session, place in lost:
        if session in names:
            name = names[session]
            rest.cut[name] = min(place, rest.cut.get(name, place))


def _count(rest: Rest, reader: Reader, known: int, kinds: set[int]) -> None:
    """Say how many calls there were and what they took, as far as anything still tells."""
    totals = reader.totals()
    told = {one.number for one in totals if one.calls}
    if known or totals:
        rest.written = max(known, sum(one.calls for one in totals))
    if told and told == set(range(1, len(totals) + 1)) and kinds <= told:
        rest.tokens = sum(one.prompt_tokens + one.completion_tokens for one in totals)
