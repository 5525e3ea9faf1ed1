from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from domain.errors import StoreError
from engine.ledger.ledger import Ledger
from engine.ledger.shards import shard_at
from engine.ledger.store import Store, spent_in
from tests.engine.test_ledger import conversation, row, written

if TYPE_CHECKING:
    from collections.abc import Iterator


async def fill(folder: Path, epoch: int = 1, worker: int = 1, session: str = "session-1") -> None:
    ledger = Ledger(shard_at(folder, epoch, worker), "hash")
    await written(ledger, conversation(session, 3))
    await ledger.finish(session, f"result of {session} in {epoch}".encode())
    ledger.close()


def spoil(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()


def test_an_absent_folder_is_an_empty_store(tmp_path: Path) -> None:
    store = Store(tmp_path / "none")
    assert store.results() == {}
    assert store.totals().calls == 0


@pytest.fixture
def archive() -> Iterator[Path]:
    """A folder that everybody may look into, root with its rights laid down too."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """Let nobody write to a folder and its files; who may do all steps down for as long."""
    own = os.geteuid()
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)
    if own == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(own)
        folder.chmod(0o755)


def test_what_cannot_be_written_can_be_read(archive: Path) -> None:
    asyncio.run(fill(archive))
    with unwritable(archive):
        before = sorted(archive.iterdir())
        store = Store(archive)
        assert store.totals().calls == 3
        assert store.results() == {"session-1": b"result of session-1 in 1"}
        assert store.check() == 3
        assert sorted(archive.iterdir()) == before


def test_a_log_that_cannot_be_read_without_writing_is_told(archive: Path) -> None:
    """The file alone would be read without what was committed last."""
    asyncio.run(fill(archive))
    (shard,) = archive.iterdir()
    shard.with_name(f"{shard.name}-wal").write_bytes(b"what a killed process has left")
    with unwritable(archive), pytest.raises(StoreError, match="cannot be read here") as refused:
        Store(archive).totals()
    assert f"{shard.name}-wal" in refused.value.fields()["got"]
    assert "Copy the whole run" in refused.value.mend


async def test_totals_add_up_over_shards(tmp_path: Path) -> None:
    await fill(tmp_path)
    await fill(tmp_path, worker=2, session="session-2")
    totals = Store(tmp_path).totals()
    assert (totals.calls, totals.tokens, totals.cached_tokens) == (6, 60, 12)
    assert totals.by_role == {"therapist": 4, "client": 2}
    assert totals.by_outcome == {"ok": 6}
    assert spent_in(shard_at(tmp_path, 1, 2), {}).calls == 3
    assert Store(tmp_path).check() == 6


async def test_the_later_epoch_wins(tmp_path: Path) -> None:
    await fill(tmp_path)
    await fill(tmp_path, epoch=2)
    assert Store(tmp_path).results() == {"session-1": b"result of session-1 in 2"}
    assert len(Store(tmp_path).calls("session-1")) == 3


async def test_two_different_calls_under_one_key_are_an_error(tmp_path: Path) -> None:
    await fill(tmp_path)
    ledger = Ledger(shard_at(tmp_path, 2, 1), "hash")
    await ledger.record(row("session-1", 0, b"another request"))
    ledger.close()
    with pytest.raises(StoreError, match=r"e001-w1\.sqlite and .*e002-w1\.sqlite"):
        Store(tmp_path).calls("session-1")


async def test_a_changed_answer_is_found_by_its_checksum(tmp_path: Path) -> None:
    await fill(tmp_path)
    spoil(shard_at(tmp_path, 1, 1).path, "UPDATE batches SET data = zeroblob(9) WHERE first = 2")
    with pytest.raises(StoreError, match=r"e001-w1\.sqlite: the shard is damaged"):
        Store(tmp_path).calls("session-1")
    with pytest.raises(StoreError, match="1 calls from number 2 on"):
        Store(tmp_path).check()


async def test_a_changed_result_is_found_by_its_checksum(tmp_path: Path) -> None:
    await fill(tmp_path)
    spoil(shard_at(tmp_path, 1, 1).path, "UPDATE results SET data = zeroblob(9)")
    with pytest.raises(StoreError, match="the result of session-1"):
        Store(tmp_path).results()


async def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = shard_at(tmp_path, 1, 1).path
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match=r"e001-w1\.sqlite: the shard is damaged or no ledger"):
        Store(tmp_path).totals()


def test_a_foreign_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"notes\.txt"):
        Store(tmp_path).results()


async def test_a_shard_whose_creation_was_cut_short_is_empty(tmp_path: Path) -> None:
    shard_at(tmp_path, 1, 1).path.touch()
    await fill(tmp_path, epoch=2)
    assert Store(tmp_path).totals().calls == 3


async def test_a_damaged_page_of_sessions_is_told_with_its_shard(tmp_path: Path) -> None:
    ledger = Ledger(shard_at(tmp_path, 1, 1), "hash")
    rows = [row(f"{n:0100d}", 0, b"{}") for n in range(200)]
    await asyncio.gather(*(ledger.record(one) for one in rows))
    ledger.close()
    path = shard_at(tmp_path, 1, 1).path
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'sessions'"
        start = (connection.execute(query).fetchone()[0] - 1) * 4096
    pages = bytearray(path.read_bytes())
    second = start + int.from_bytes(pages[start + 14 : start + 16], "big")
    child = int.from_bytes(pages[second : second + 4], "big")  # (fileformat2.html, 1.6)
    pages[(child - 1) * 4096 : child * 4096] = b"\xff" * 4096
    path.write_bytes(pages)
    with pytest.raises(StoreError, match=r"e001-w1\.sqlite: the shard is damaged"):
        Store(tmp_path).labels()
