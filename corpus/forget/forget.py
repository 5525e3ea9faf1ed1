"""Takes one record out of a run: store, held-out, scenarios, blends, exports, answers, ledgers.

What is derived goes first and the stores last, so that a stop in between leaves the record to be
found again: the same command completes it. The tombstone says what was begun and what is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import Field

from corpus.files import read_nouns, read_records
from corpus.forget.exported import holding, holds, take_out
from corpus.forget.exports import exports_of
from corpus.forget.mark import Mark, mark_of
from corpus.forget.sieve import Sieve
from corpus.forget.tombstone import Tombstone, stone_of, tombstones, write_tombstones
from domain.base import Noun
from domain.errors import StoreError
from domain.record import HeldOutContext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.record import Record
    from domain.runfolder import RunFolder

SHORTEST_PREFIX = 8
"""Signs of an id that are enough to name it, without `record-`."""


class Ledgers(Protocol):
    """Takes calls and results out of a ledger; `engine.ledger.forget` does."""

    def __call__(self, ledger: Path, mark: Mark, *, dry: bool) -> int:
        """Return how many calls and results of `ledger` bear the mark, and take them out."""


class Forgetting(Noun):
    """What was taken out of one run, or would be."""

    run: str
    record: str
    dry_run: bool
    already: bool = False
    """Whether it had been forgotten before."""
    lines: dict[str, int] = Field(default_factory=dict)
    """Lines and rows taken out, by file."""
    files: tuple[str, ...] = ()
    """Files removed whole: they are made again by the verb that made them."""
    ledgers: dict[str, int] = Field(default_factory=dict)
    """Calls and results taken out, by ledger."""
    blends: tuple[str, ...] = ()
    """Blends that held it."""
    adapters: tuple[str, ...] = ()
    """Adapters that were trained on those. They are left; train again, or delete them."""
    exports: tuple[str, ...] = ()
    """Exports that held it or its words, pairs of drafts among them."""
    exports_missing: tuple[str, ...] = ()
    """Exports that are no longer where they were written: look for copies."""


@dataclass(frozen=True)
class _Task:
    folder: RunFolder
    record: Record
    contexts: tuple[str, ...]
    mark: Mark


def find_record(folder: RunFolder, name: str) -> str | None:
    """Return the id that `name` stands for in a run: an id, or a beginning that only it has.

    Raises:
        StoreError: Several begin so, or a file is damaged.
    """
    known = {record.id for record in _stored(folder)}
    known |= {stone.record for stone in tombstones(folder).forgotten}
    if name in known:
        return name
    short = name.removeprefix("record-")
    found = [one for one in known if one.removeprefix("record-").startswith(short)]
    if len(short) < SHORTEST_PREFIX or not found:
        return None
    if len(found) > 1:
        raise StoreError(
            "several records begin so",
            where=name,
            expected="an id, or a beginning that one record has",
            got=", ".join(sorted(found)[:5]),
        )
    return found[0]


def forget(folder: RunFolder, record_id: str, ledgers: Ledgers, *, dry: bool) -> Forgetting:
    """Take a record out of everything under the run's folder, and out of its noted exports.

    Args:
        folder: The run; the caller holds its lock.
        record_id: As `find_record` returns it.
        ledgers: Takes calls out of a ledger's folder.
        dry: Only say what would be done.

    Raises:
        StoreError: A file cannot be read or written; the same command goes on from there.
    """
    stones = tombstones(folder)
    record = next((one for one in _stored(folder) if one.id == record_id), None)
    if record is None:
        return _already(folder, record_id, dry=dry)
    task = _task(folder, record)
    stone = _noted(stones.of(record_id) or stone_of(record, _now()), task)
    if not dry:
        write_tombstones(folder, stones.put(stone))
    sieve = Sieve(folder.root, task.mark, dry)
    taken = {
        str(path.relative_to(folder.root)): ledgers(path, task.mark, dry=dry)
        for path in _ledger_folders(folder.root)
    }
    for place in (*_blends(task), *map(Path, stone.exports)):
        if place.is_dir():
            take_out(place, sieve)
    stores = (folder.held_out, folder.quarantine, folder.real)
    last = frozenset({folder.contexts, *stores, *_kept(folder), *_manifests(task)})
    sieve.folder(folder.root, last=last)
    sieve.file(folder.contexts)
    for path in stores:
        sieve.records(path)
    if not dry:
        done = stone.model_copy(update={"done": True})
        write_tombstones(folder, tombstones(folder).put(done))
    return Forgetting(
        run=folder.root.name,
        record=record_id,
        dry_run=dry,
        lines=sieve.lines,
        files=tuple(sieve.whole),
        ledgers={name: count for name, count in taken.items() if count},
        blends=stone.blends,
        adapters=stone.adapters,
        exports=stone.exports,
        exports_missing=tuple(str(path) for path in exports_of(folder) if not path.is_dir()),
    )


def _already(folder: RunFolder, record_id: str, *, dry: bool) -> Forgetting:
    """Say what was forgotten before; a stop just before the end is made good."""
    stones = tombstones(folder)
    stone = stones.of(record_id)
    if stone is None:
        raise StoreError(
            "there is no such record",
            where=str(folder.root),
            expected="a record of the quarantine, the real ones or the held-out ones",
            got=record_id,
        )
    if not dry and not stone.done:
        write_tombstones(folder, stones.put(stone.model_copy(update={"done": True})))
    return Forgetting(
        run=folder.root.name,
        record=record_id,
        dry_run=dry,
        already=True,
        blends=stone.blends,
        adapters=stone.adapters,
        exports=stone.exports,
    )


def _task(folder: RunFolder, record: Record) -> _Task:
    """Find the scenarios that were drawn from the record, and what marks its words."""
    contexts = tuple(
        context.id
        for context in read_nouns(folder.contexts, HeldOutContext)
        if context.record_id == record.id
    )
    before = tombstones(folder).of(record.id)
    contexts = tuple(dict.fromkeys((*(before.contexts if before else ()), *contexts)))
    others = (one for one in _everybody(folder) if one.id != record.id)
    return _Task(folder, record, contexts, mark_of([record], contexts, others))


def _noted(stone: Tombstone, task: _Task) -> Tombstone:
    """Add what holds the record now to what a run of before that was stopped had found."""
    folder = task.folder
    blends = [str(path.relative_to(folder.root)) for path in _blends(task)]
    adapters = [
        str(path.relative_to(folder.root))
        for name in blends
        if (path := folder.root / name.replace("blends/", "adapters/")).is_dir()
    ]
    exports = [str(path) for path in exports_of(folder) if holds(path, task.mark)]
    return stone.model_copy(
        update={
            "contexts": task.contexts,
            "blends": tuple(dict.fromkeys((*stone.blends, *blends))),
            "adapters": tuple(dict.fromkeys((*stone.adapters, *adapters))),
            "exports": tuple(dict.fromkeys((*stone.exports, *exports))),
        }
    )


def _blends(task: _Task) -> list[Path]:
    return list(holding(task.folder.root, frozenset({task.record.id})))


def _manifests(task: _Task) -> Iterator[Path]:
    """Yield manifests, which `take_out` has dealt with: they hold no words."""
    return task.folder.root.rglob("manifest.json")


def _kept(folder: RunFolder) -> tuple[Path, ...]:
    """Return files that hold ids and no words, and are kept."""
    return folder.forgotten, folder.exports, folder.sign_off, folder.config


def _ledger_folders(root: Path) -> list[Path]:
    """Return the folders of ledgers under a run."""
    found = {path.parent for path in root.rglob("e*-w*.sqlite")}
    found |= {path.parent for path in root.rglob("store.json")}
    return sorted(found)


def _stored(folder: RunFolder) -> Iterator[Record]:
    for path in (folder.quarantine, folder.real, folder.held_out):
        yield from read_records(path)


def _everybody(folder: RunFolder) -> Iterator[Record]:
    yield from _stored(folder)
    yield from read_records(folder.synthetic)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
