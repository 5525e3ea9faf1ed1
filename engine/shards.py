"""The files of a ledger folder: one SQLite shard per worker and epoch, sealed by the next run."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.errors import ResumeRefusedError, StoreError
from engine.schema import INSERT_META, SCHEMA_VERSION, create_statements

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"e(\d{3,})-w(\d+)\.sqlite")
_SIDECAR = re.compile(r"e\d{3,}-w\d+\.sqlite-(wal|shm|journal)")
_BUSY_S = 30.0


@dataclass(frozen=True, order=True)
class Shard:
    """One shard of a folder; ordered by epoch, then by worker."""

    epoch: int
    worker: int
    path: Path


def shard_at(folder: Path, epoch: int, worker: int) -> Shard:
    """Name the shard of a worker in an epoch, e.g. `e003-w1.sqlite`."""
    return Shard(epoch, worker, folder / f"e{epoch:03d}-w{worker}.sqlite")


def list_shards(folder: Path) -> list[Shard]:
    """Return the folder's shards by epoch and worker; an absent folder has none.

    Raises:
        StoreError: The folder holds a file that is no shard.
    """
    if not folder.is_dir():
        return []
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


def connect(path: Path, *, write: bool = False) -> sqlite3.Connection:
    """Open a shard. SQLite's own errors are left to the caller's `told`.

    A reader opens read-write as well where it may, because reading a log that a killed process
    left behind needs its index file; it never writes.
    """
    mode = "rwc" if write else "rw"
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(
        uri, uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
    )
    if not write:
        connection.execute("PRAGMA query_only=ON")
    return connection


def create(shard: Shard, run_hash: str) -> sqlite3.Connection:
    """Create a shard in one transaction and return the connection that writes to it.

    WAL with synchronous=NORMAL: a killed process loses nothing that was committed; a power cut
    may lose the last commits but leaves the file whole.
    """
    shard.path.parent.mkdir(parents=True, exist_ok=True)
    connection = connect(shard.path, write=True)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("BEGIN IMMEDIATE")
    for statement in create_statements():
        connection.execute(statement)
    meta = {
        "schema_version": str(SCHEMA_VERSION),
        "run_hash": run_hash,
        "epoch": str(shard.epoch),
        "worker": str(shard.worker),
        "sealed": "0",
    }
    connection.executemany(INSERT_META, list(meta.items()))
    connection.execute("COMMIT")
    return connection


def read_meta(shard: Shard) -> dict[str, str] | None:
    """Return a shard's `meta` table, or None for one whose creation was cut short: it is empty.

    Raises:
        StoreError: The file is damaged, no shard, or of another version.
    """
    try:
        with closing(connect(shard.path)) as connection:
            if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                return None
            meta = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    except sqlite3.Error as error:
        raise told(error, shard.path) from error
    if meta.get("schema_version") != str(SCHEMA_VERSION):
        raise StoreError(
            "the shard is of another version",
            where=str(shard.path),
            expected=f"schema version {SCHEMA_VERSION}",
            got=str(meta.get("schema_version")),
            mend="Read it with the version of rehearsal that wrote it.",
        )
    return meta


def seal(shard: Shard) -> None:
    """Close a shard to writing for good: a worker that still has it open is refused.

    Raises:
        StoreError: The file is damaged or cannot be written.
    """
    if read_meta(shard) is None:
        return
    try:
        with closing(connect(shard.path, write=True)) as connection:
            connection.execute("UPDATE meta SET value = '1' WHERE name = 'sealed'")
    except sqlite3.Error as error:
        raise told(error, shard.path) from error


def begin_epoch(folder: Path, run_hash: str) -> int:
    """Seal every shard of the folder and return the number of the epoch that starts now.

    The caller holds the run's lock.

    Raises:
        ResumeRefusedError: A shard was written by a run with other prompts or config.
        StoreError: A shard is damaged, or a foreign file lies in the folder.
    """
    shards = list_shards(folder)
    for shard in shards:
        meta = read_meta(shard)
        if meta is not None and meta["run_hash"] != run_hash:
            raise ResumeRefusedError(
                "the ledger was written with other prompts or another config",
                where=str(shard.path),
                expected=f"run hash {meta['run_hash']}",
                got=f"run hash {run_hash}",
                mend="Restore what was changed, or start a new run under another name.",
            )
    for shard in shards:
        seal(shard)
    return max((shard.epoch for shard in shards), default=0) + 1


def told(error: sqlite3.Error, path: Path) -> StoreError:
    """Say in plain words what SQLite says of a shard."""
    text = str(error)
    if "full" in text:
        mend = "Free some space; what was recorded is kept, and `campaign resume` continues."
        return StoreError("the disk is full", where=str(path), got=text, mend=mend)
    if "malformed" in text or "not a database" in text:
        mend = "Move the shard out of the ledger's folder; its calls will be asked again."
        return StoreError("the shard is damaged or no ledger", where=str(path), got=text, mend=mend)
    mend = "Check that the folder can be written and that the disk is healthy."
    return StoreError("the shard cannot be used", where=str(path), got=text, mend=mend)


def damaged(shard: Shard, what: str) -> StoreError:
    """Return the error that names a shard in which `what` is not as it was written."""
    return StoreError(
        "the shard is damaged",
        where=str(shard.path),
        expected="rows that match their checksums",
        got=what,
        mend="Move the shard out of the folder and resume; its calls will be asked again.",
    )
