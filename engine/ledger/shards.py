"""The shards of a ledger: one per worker and epoch, sealed by the next run.

In a folder each is a file of SQLite; with `engine.store` they lie in PostgreSQL, and the folder
holds a note that says where.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from domain.errors import StoreError
from engine.ledger import file, sqlite
from engine.ledger.place import NOTE, place_of
from engine.ledger.shard import Shard, other_run
from engine.ledger.writer import outlived

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from engine.ledger.place import Place
    from engine.ledger.writer import Table

_NAME = re.compile(r"e(\d{3,})-w(\d+)\.sqlite")
MARK = 0
"""The worker's number of the empty shard that marks the newest epoch; workers count from 1."""
_SIDECAR = re.compile(r"e\d{3,}-w\d+\.sqlite-(wal|shm|journal)")


def shard_at(folder: Path, epoch: int, worker: int) -> Shard:
    """Name the shard of a worker in an epoch, e.g. `e003-w1.sqlite`."""
    place = place_of(folder)
    if place is not None:
        return Shard(epoch, worker, folder / NOTE, place)
    return Shard(epoch, worker, folder / f"e{epoch:03d}-w{worker}.sqlite")


def list_shards(folder: Path) -> list[Shard]:
    """Return the ledger's shards by epoch and worker; an absent folder has none.

    Raises:
        StoreError: The folder holds a file that is no shard, or the database does not answer.
    """
    if not folder.is_dir():
        return []
    place = place_of(folder)
    if place is not None:
        from engine.ledger.postgres import writers

        written = writers.writers_of(place)
        return [Shard(*one, folder / NOTE, place) for one, _ in written]
    found = []
    for path in sorted(folder.iterdir()):
        match = _NAME.fullmatch(path.name)
        if match:
            found.append(Shard(int(match[1]), int(match[2]), path))
        elif not _SIDECAR.fullmatch(path.name):
            raise StoreError(
                "a file that is no ledger shard lies in the ledger's folder",
                where=str(path),
                expected="files named like e001-w1.sqlite",
                mend="Move the file elsewhere.",
            )
    return sorted(found)


def list_sealed(folder: Path, epoch: int) -> list[Shard]:
    """Return the shards that nobody writes to any more while an epoch lasts.

    They are those of earlier epochs, which its beginning has sealed, and of its own those of
    workers that have died.

    Raises:
        StoreError: As for `list_shards`, or a shard of the epoch is damaged.
    """
    place = place_of(folder)
    if place is not None:
        from engine.ledger.postgres import writers

        written = writers.writers_of(place)
        return [
            Shard(*one, folder / NOTE, place)
            for one, is_sealed in written
            if one[0] < epoch or is_sealed
        ]
    return [one for one in list_shards(folder) if one.epoch < epoch or sqlite.is_sealed(one)]


def create(shard: Shard, run_hash: str, page_limit: int | None = None) -> Table:
    """Make a shard and return it open for writing.

    Raises:
        StoreError: It cannot be made, or a newer epoch has begun.
    """
    if shard.place is not None:
        from engine.ledger.postgres.table import PostgresTable

        return PostgresTable(shard)
    table = sqlite.SqliteTable(shard, run_hash, page_limit)
    if _newest(shard.path.parent) > shard.epoch:
        table.close()
        raise outlived(shard.where)
    return table


@contextmanager
def reading(shard: Shard, *, moment: bool = True) -> Iterator[tuple[Connection, int] | None]:
    """Open a shard for reading: a connection and the number of its writer; None if it is empty.

    Args:
        shard: Which.
        moment: Whether everything that is read over the connection is to be of one moment.

    Raises:
        StoreError: It is damaged, of another version, or the database does not answer.
    """
    if shard.place is not None:
        from engine.ledger.postgres import writers

        with writers.reading_run(shard.place, moment=moment) as opened:
            yield opened(shard)
        return
    with file.reading(shard, moment=moment) as connection:
        yield None if connection is None else (connection, sqlite.WRITER)


def seal(shard: Shard) -> None:
    """Close a shard to writing for good: a worker that still has it open is refused.

    Raises:
        StoreError: It is damaged or cannot be written.
    """
    if shard.place is not None:
        from engine.ledger.postgres import writers

        writers.seal(shard)
    else:
        sqlite.seal(shard)


def begin_epoch(folder: Path, run_hash: str) -> int:
    """Seal every shard of the ledger and return the number of the epoch that starts now.

    The caller holds the run's lock.

    Raises:
        ResumeRefusedError: A shard was written by a run with other prompts or config.
        StoreError: A shard is damaged, a foreign file lies in the folder, or the database does
            not answer.
    """
    place = place_of(folder)
    if place is not None:
        from engine.ledger.postgres import run

        return run.begin_epoch(place, run_hash)
    shards = list_shards(folder)
    for shard in shards:
        before = sqlite.run_hash_of(shard)
        if before is not None and before != run_hash:
            raise other_run(shard.where, before, run_hash)
    epoch = max((shard.epoch for shard in shards), default=0) + 1
    _mark(folder, epoch)
    for shard in list_shards(folder):
        if shard.epoch < epoch:
            sqlite.seal(shard)
    return epoch


def _newest(folder: Path) -> int:
    """Return the number of the newest epoch that a folder shows."""
    names = (_NAME.fullmatch(path.name) for path in folder.iterdir())
    return max(int(match[1]) for match in names if match)


def _mark(folder: Path, epoch: int) -> None:
    """Show that an epoch has begun, by an empty shard of a worker that there is not.

    Without it, a worker that outlives its run and only now comes to make its shard would find no
    sign that it is late. Marks of earlier epochs have done their service.

    Raises:
        StoreError: It cannot be made.
    """
    mark = shard_at(folder, epoch, MARK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        mark.path.touch()
        for shard in list_shards(folder):
            if shard.worker == MARK and shard.epoch < epoch:
                shard.path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            "the ledger cannot be written",
            where=str(mark.path),
            got=error.strerror or type(error).__name__,
            mend="Check the folder's permissions and the space on the disk.",
        ) from error


@contextmanager
def held(folder: Path, run_hash: str, url: str | None) -> Iterator[None]:
    """Hold a ledger in PostgreSQL against other machines; one in files has its run's lock file.

    Args:
        folder: The ledger's folder.
        run_hash: Hash of prompts and config.
        url: The database that a ledger which begins now is kept in; None keeps it in the folder.
            One that has begun stays where it is.

    Raises:
        StoreError: Another process holds it, which is named, or the database does not answer.
    """
    place = place_of(folder)
    if _in_files(folder, place, url):
        yield
        return
    from engine.ledger.postgres import run

    with run.held(place or run.begin(folder, run_hash, url or "")):
        yield


def require_database(folder: Path, url: str | None) -> None:
    """Connect to where `held` would, before anything is written.

    Raises:
        StoreError: The database does not answer.
    """
    place = place_of(folder)
    if _in_files(folder, place, url):
        return
    from engine.ledger.postgres.connection import connect

    connect(place.url if place else url or "").close()


def _in_files(folder: Path, place: Place | None, url: str | None) -> bool:
    """Whether a ledger lies in its folder, or will: one that has begun there stays."""
    return place is None and (url is None or bool(list_shards(folder)))


def variables(folder: Path) -> tuple[str, ...]:
    """Name the environment variables that workers need to reach the ledger."""
    if place_of(folder) is None:
        return ()
    from engine.ledger.postgres.connection import VARIABLES

    return VARIABLES
