"""Takes sessions out of a ledger for good: each shard that holds one is written anew without it.

A request may be told by another session's, and calls of many sessions share a block, so no row can
simply be deleted. The new file takes the old one's place, log included; what the disk may still
hold of the old one is the file system's.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from domain.errors import StoreError
from engine.ledger import shards, sqlite
from engine.ledger.reader import Reader
from engine.ledger.repair import write_shard
from engine.ledger.rest import read, remove
from engine.ledger.shard import Shard, damaged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from domain.call import CallRow
    from engine.ledger.rest import Rest


def without(ledger: Path, is_marked: Callable[[bytes], bool], *, dry: bool) -> int:
    """Take out the calls and results that are marked, and all else of their sessions.

    A session of which a call, an answer or the result is marked goes whole, from every shard.

    Args:
        ledger: The folder of the shards; the caller holds the run's lock.
        is_marked: Told a request, an answer or a result.
        dry: Only count.

    Returns:
        How many calls and results were taken out.

    Raises:
        StoreError: The ledger lies in PostgreSQL, is damaged, or cannot be written.
    """
    found = shards.list_shards(ledger)
    for shard in found:
        if shard.place is not None:
            raise _elsewhere(shard)
    sessions: set[str] = set()
    for shard in found:
        sessions |= _marked(shard, is_marked)
    taken = 0
    for shard in found if sessions else ():
        scratch = ledger.parent / f".{shard.path.name}.rows"
        rest = read(shard, scratch, lambda _: "")
        if not rest.whole:
            raise damaged(shard, "a row")
        gone = sum(len(rows) for name, rows in rest.calls.items() if name in sessions)
        gone += len(sessions & rest.results.keys())
        taken += gone
        if gone and not dry:
            _replace(rest, sessions)
    return taken


def _elsewhere(shard: Shard) -> StoreError:
    return StoreError(
        "calls in PostgreSQL are not taken out here",
        where=shard.where,
        expected="a ledger in files",
        mend="Delete the run's rows from the database, then move its store.json away.",
    )


def _marked(shard: Shard, is_marked: Callable[[bytes], bool]) -> set[str]:
    """Return the sessions of a shard that bear the mark, one in memory at a time."""
    found: set[str] = set()
    with shards.reading(shard) as opened:
        if opened is None:
            return found
        reader = Reader(shard, *opened)
        for one in reader.sessions():
            results = reader.results([(one.name, one.number)]) if one.label is not None else ()
            if (
                is_marked(one.name.encode())
                or any(is_marked(data) for _, data in results)
                or any(_bears(row, is_marked) for row in reader.calls(one.name))
            ):
                found.add(one.name)
    return found


def _bears(row: CallRow, is_marked: Callable[[bytes], bool]) -> bool:
    said = row.result
    texts = (said.text, said.reasoning, said.detail)
    return is_marked(row.request) or any(is_marked(text.encode()) for text in texts if text)


def _replace(rest: Rest, sessions: set[str]) -> None:
    path = rest.shard.path
    made = Shard(rest.shard.epoch, rest.shard.worker, path.parent.parent / f".{path.name}")
    kept = [row for name, rows in rest.calls.items() if name not in sessions for row in rows]
    left = {name: one for name, one in rest.results.items() if name not in sessions}
    remove(made.path)
    write_shard(made, kept, left, str(rest.run_hash))
    _fold(path)
    made.path.replace(path)


def _fold(path: Path) -> None:
    """Put a file's log into it: beside a new file an old log would be taken for that one's."""
    with closing(sqlite.connect(path, write=True)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
