"""Keeps what can be read of a damaged shard, and says what is lost.

A damaged file is moved out of the ledger's folder and a new one with what is whole takes its place.
What is lost is asked again on resume. A session without a result keeps its calls up to the first
that is lost: those after it may rest on another answer than the one that will now be given.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.errors import StoreError
from engine.ledger import shards, sqlite
from engine.ledger.block import Press
from engine.ledger.rest import Rest, read, remove
from engine.ledger.rows import compressor, pack_result
from engine.ledger.scribe import Scribe
from engine.ledger.shard import Shard

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from domain.call import CallRow
    from engine.ledger.salvage import Place

DAMAGED = "damaged"
"""Folder beside the ledger's that damaged files are moved to."""
_AT_ONCE = 64


@dataclass(frozen=True)
class Repaired:
    """What became of one shard."""

    shard: str
    calls: int
    """Calls that were kept."""
    lost_calls: int | None
    """Calls that are not; None where nothing says how many there were."""
    lost_tokens: int | None
    """Prompt and completion tokens of those; None where nothing says."""
    results: int
    lost_results: int
    moved_to: str
    """Where the damaged file lies now."""

    @property
    def totals(self) -> str:
        """What has become of the run's totals, in plain words."""
        if self.lost_calls == 0:
            return "The totals are as before."
        which = "The lost calls" if self.lost_calls else "Calls that were lost"
        return (
            f"{which} are no longer in the totals: calls, tokens and spend, as `status` shows "
            "them and the budget counts them, are less than what was paid for."
        )


def _no_label(_: bytes) -> str:
    return ""


def repair(
    folder: Path, run_hash: str | None = None, label_of: Callable[[bytes], str] = _no_label
) -> list[Repaired]:
    """Mend every damaged shard of a ledger in files; the caller holds the run's lock.

    Args:
        folder: The ledger's.
        run_hash: What the run was begun with, should no shard say so any more.
        label_of: Says which label a result is likely to have had, should that be lost; it is
            taken only where the result's checksum agrees.

    Returns:
        One entry for each shard that was replaced; none where everything is whole.

    Raises:
        StoreError: The ledger lies in PostgreSQL, whose backups are its own; a shard is of another
            version; nothing says to which run it belongs; or a file cannot be written.
    """
    found = shards.list_shards(folder)
    if any(one.place is not None for one in found):
        raise StoreError(
            "a ledger in PostgreSQL is not repaired here",
            where=found[0].where,
            mend="Restore the database from a backup.",
        )
    rests = [read(shard, folder.parent / f".{shard.path.name}.rows", label_of) for shard in found]
    if all(rest.whole for rest in rests):
        return []
    run_hash = next((rest.run_hash for rest in rests if rest.run_hash is not None), run_hash)
    if run_hash is None and any(rest.calls or rest.results for rest in rests):
        raise _no_run(folder)
    finished = {item for rest in rests for item in rest.results}
    cuts: dict[str, Place] = {}
    repaired = []
    for rest in rests:
        for session, place in rest.cut.items():
            cuts[session] = min(place, cuts.get(session, place))
        kept = [row for rows in rest.calls.values() for row in rows if _stays(row, finished, cuts)]
        if rest.whole and len(kept) == sum(map(len, rest.calls.values())):
            continue
        repaired.append(_told(rest, kept, _replace(rest, kept, folder, run_hash)))
    return repaired


def _no_run(folder: Path) -> StoreError:
    return StoreError(
        "nothing says to which run the ledger belongs",
        where=str(folder),
        expected="a run hash in a shard, or the run's manifest",
        mend="Restore campaign.json, which stands beside the ledger's folder, then repair again; "
        "nothing was changed.",
    )


def _told(rest: Rest, kept: list[CallRow], moved: Path) -> Repaired:
    used = sum(row.result.usage.prompt_tokens + row.result.usage.completion_tokens for row in kept)
    return Repaired(
        shard=rest.shard.path.name,
        calls=len(kept),
        lost_calls=None if rest.written is None else rest.written - len(kept),
        lost_tokens=None if rest.tokens is None else rest.tokens - used,
        results=len(rest.results),
        lost_results=rest.lost_results,
        moved_to=str(moved),
    )


def _stays(row: CallRow, finished: set[str], cuts: dict[str, Place]) -> bool:
    session = row.key.session
    return session in finished or session not in cuts or _place(row) < cuts[session]


def _place(row: CallRow) -> Place:
    return row.key.draft, row.key.step, row.key.attempt


def _replace(rest: Rest, kept: list[CallRow], folder: Path, run_hash: str | None) -> Path:
    """Write what is kept to a new file, and put it in the damaged one's place."""
    path = rest.shard.path
    made = Shard(rest.shard.epoch, rest.shard.worker, folder.parent / f".{path.name}.new")
    remove(made.path)
    aside = folder.parent / DAMAGED
    try:
        if run_hash is not None:
            write_shard(made, kept, rest.results, run_hash)
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


def write_shard(
    shard: Shard, calls: list[CallRow], results: dict[str, tuple[str, bytes]], run_hash: str
) -> None:
    """Write calls and results, by label and bytes, to a shard that is not there yet, and seal it.

    Raises:
        StoreError: It cannot be written.
    """
    with closing(sqlite.SqliteTable(shard, run_hash)) as table:
        _fill(table, calls, results)
    sqlite.seal(shard)


def _fill(
    table: sqlite.SqliteTable, calls: list[CallRow], results: dict[str, tuple[str, bytes]]
) -> None:
    scribe, press, results_press = Scribe(), Press(), compressor()
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
