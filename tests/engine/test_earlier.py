"""What a resumed run recalls from many earlier shards, and what it keeps open meanwhile."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from domain.call import CallResult, CallRow, Outcome
from domain.errors import StoreError
from domain.progress import silent
from domain.settings import BudgetSettings, EngineSettings
from engine.ledger import shards
from engine.ledger.ledger import Ledger
from engine.ledger.shards import shard_at
from engine.ledger.store import Store
from engine.steward import Mandate, Steward
from engine.work import Work
from tests.engine.jobs import talk
from tests.engine.test_ledger import conversation, row, written

TIMED_OUT = CallResult(outcome=Outcome.TIMEOUT, detail="no answer in time")


def descriptors(folder: Path) -> int:
    """Count those of the files below `folder`; a Ray that other tests started opens its own."""
    found = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed meanwhile, that of this very listing for one
            found += descriptor.readlink().is_relative_to(folder)
    return found


async def one_shard(folder: Path, epoch: int) -> list[CallRow]:
    """A session that was begun, and one that was finished, in an epoch of their own."""
    ledger = Ledger(shard_at(folder, epoch, 1), "hash")
    play = conversation(f"begun-{epoch}", 2)
    await written(ledger, [*play, row(f"finished-{epoch}", 0, b"{}")])
    await ledger.finish(f"finished-{epoch}", b"result", "accepted")
    ledger.close()
    return play


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors as Linux does")
async def test_hundreds_of_shards_take_few_descriptors(tmp_path: Path) -> None:
    plays = [await one_shard(tmp_path / "ledger", epoch) for epoch in range(1, 101)]
    listed = shards.list_shards(tmp_path / "ledger")
    before = descriptors(tmp_path)
    resumed = Ledger(shard_at(tmp_path, 101, 1), "hash", listed)
    assert [resumed.recall(one.key, one.request_hash) for play in plays for one in play] == [
        one.result for play in plays for one in play
    ]
    assert descriptors(tmp_path) - before < 70
    resumed.close()
    store, most = Store(tmp_path / "ledger"), before
    names = [f"{kind}-{epoch}" for epoch in range(1, 101) for kind in ("begun", "finished")]
    seen = 0
    for _, calls in store.iter_calls(names):
        most = max(most, descriptors(tmp_path))
        seen += len(calls)
    assert seen == 300
    for _ in store.iter_results(names):
        most = max(most, descriptors(tmp_path))
    assert most - before < 250
    assert descriptors(tmp_path) == before


async def test_a_read_ends_with_its_session(tmp_path: Path) -> None:
    """An open one would keep the log of a shard from being put into its file."""
    play = await one_shard(tmp_path, 1)
    resumed = Ledger(shard_at(tmp_path, 2, 1), "hash", shards.list_shards(tmp_path))
    assert resumed.recall(play[0].key, play[0].request_hash)
    with closing(sqlite3.connect(shard_at(tmp_path, 1, 1).path, isolation_level=None)) as other:
        other.execute("UPDATE writers SET sealed = 1")
        is_busy, *_ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    resumed.close()
    assert not is_busy


async def test_a_worker_recalls_from_sealed_shards_only(tmp_path: Path) -> None:
    """From those of earlier runs and of the dead, not from those of the living."""
    await one_shard(tmp_path, 1)
    work = Work(
        factory=talk,
        payload=b"{}",
        folder=tmp_path,
        engine=EngineSettings(kind="inline"),
        run_hash="hash",
        todo=[("begun-1", b"")],
        progress=silent,
        on_result=None,
        stage="sessions",
        mandate=Mandate(BudgetSettings()),
    )
    work.begin(None)
    dead, alive = (Ledger(shard_at(tmp_path, 2, worker), "hash") for worker in (1, 2))
    shard_at(tmp_path, 2, 3).path.touch()  # its creation has just begun
    shards.seal(shard_at(tmp_path, 2, 1))
    heir = work.plan(4, Steward(work.mandate))
    dead.close()
    alive.close()
    assert heir.earlier == (shard_at(tmp_path, 1, 1), shard_at(tmp_path, 2, 1))


def timed_out(session: str, step: int, attempt: int) -> CallRow:
    return row(session, step, b"{}", attempt=attempt).model_copy(update={"result": TIMED_OUT})


async def attempts(folder: Path, epoch: int, *rows: CallRow, worker: int = 1) -> None:
    ledger = Ledger(shard_at(folder, epoch, worker), "hash")
    await written(ledger, list(rows))
    ledger.close()


def asked_anew(folder: Path, epoch: int, *rows: CallRow) -> list[int]:
    """The attempts that a run which plays their session again makes, of those recorded."""
    again = frozenset({"session-1"})
    ledger = Ledger(shard_at(folder, epoch, 1), "hash", shards.list_shards(folder), again=again)
    asked = [one.key.attempt for one in rows if ledger.recall(one.key, one.request_hash) is None]
    ledger.close()
    return asked


async def test_timed_out_calls_are_asked_again_once_and_not_because_of_a_kill(
    tmp_path: Path,
) -> None:
    first = [timed_out("session-1", 0, attempt) for attempt in range(3)]
    failed = Ledger(shard_at(tmp_path, 1, 1), "hash")
    await written(failed, first)
    await failed.finish("session-1", b"nobody answered", "quarantined:timeout")
    failed.close()
    assert asked_anew(tmp_path, 2, *first) == [0, 1, 2]
    # the run that played it again was killed after two attempts, and so was a worker of the next
    await attempts(tmp_path, 3, *first[:1])
    await attempts(tmp_path, 4, *first[1:2], worker=2)
    assert asked_anew(tmp_path, 5, *first) == [2]


async def test_a_session_that_failed_twice_is_played_again_from_its_last_failure(
    tmp_path: Path,
) -> None:
    rows = [timed_out("session-1", 0, attempt) for attempt in range(2)]
    for epoch in (1, 2):
        failed = Ledger(shard_at(tmp_path, epoch, 1), "hash")
        await written(failed, rows)
        await failed.finish("session-1", b"nobody answered", "quarantined:timeout")
        failed.close()
    assert asked_anew(tmp_path, 3, *rows) == [0, 1]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors as Linux does")
async def test_a_ledger_that_cannot_be_opened_leaves_nothing_open(tmp_path: Path) -> None:
    await one_shard(tmp_path, 1)
    (tmp_path / "e002-w1.sqlite").write_bytes(b"not a database at all" * 100)
    before = descriptors(tmp_path)
    with pytest.raises(StoreError, match=r"e002-w1") as caught:
        Ledger(shard_at(tmp_path, 3, 1), "hash", shards.list_shards(tmp_path))
    assert descriptors(tmp_path) == before, str(caught.value)
    os.truncate(tmp_path / "e002-w1.sqlite", 0)
    with pytest.raises(StoreError, match="cannot be used") as caught:  # it is there already
        Ledger(shard_at(tmp_path, 1, 1), "hash", shards.list_shards(tmp_path))
    assert descriptors(tmp_path) == before, str(caught.value)
