from __future__ import annotations

import asyncio
import random
import sqlite3
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from domain.call import CallKey, CallResult, CallRow, Outcome, Reservation, Role, Usage
from domain.errors import InterruptedRunError, ResumeRefusedError, StoreError
from engine.bench import interrupted
from engine.ledger import shards
from engine.ledger.ledger import Ledger
from engine.ledger.shards import shard_at
from engine.ledger.store import Store
from engine.spending.wallet import open_wallet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def row(session: str, step: int, request: bytes, text: str = "yes", attempt: int = 0) -> CallRow:
    return CallRow(
        key=CallKey(session=session, draft=0, step=step, attempt=attempt),
        role=Role.CLIENT if step % 2 else Role.THERAPIST,
        endpoint="http://127.0.0.1/v1",
        request_hash=sha256(request).hexdigest(),
        request=request,
        result=CallResult(
            outcome=Outcome.OK,
            text=text,
            reasoning="why",
            finish_reason="stop",
            model="m",
            usage=Usage(prompt_tokens=7, completion_tokens=3, cached_tokens=2),
            latency_ms=12.5,
        ),
    )


def conversation(session: str, calls: int) -> list[CallRow]:
    """Calls whose requests grow, share their beginnings and end in notes of their own."""
    random_words = random.Random(session)
    said = '{"messages":["' + f"You are {session}. " * 40
    rows = []
    for step in range(calls):
        said += '","' + " ".join(random_words.choice(["ä", "sleep", "work", "no"]) for _ in "x" * 9)
        rows.append(row(session, step, f'{said}\nPrivate notes {step}"],"seed":{step}}}'.encode()))
    return rows


async def written(ledger: Ledger, rows: list[CallRow]) -> None:
    for one in rows:
        await ledger.record(one)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(shard_at(tmp_path, 1, 1), "hash")
    yield made
    made.close()


async def test_requests_are_rebuilt_byte_for_byte(tmp_path: Path, ledger: Ledger) -> None:
    plays = [conversation(f"session-{n}", 12) for n in range(5)]
    await asyncio.gather(*(written(ledger, play) for play in plays))
    store = Store(tmp_path)
    for play in plays:
        assert list(store.calls(play[0].key.session)) == play


async def test_requests_take_a_fraction_of_their_size(tmp_path: Path, ledger: Ledger) -> None:
    play = conversation("session-1", 40)
    await written(ledger, play)
    with closing(sqlite3.connect(shard_at(tmp_path, 1, 1).path)) as connection:
        kept = connection.execute("SELECT sum(length(data)) FROM batches").fetchone()[0]
    assert kept < sum(len(one.request) for one in play) / 10


async def test_a_recorded_call_can_be_read_by_others_at_once(
    tmp_path: Path, ledger: Ledger
) -> None:
    await ledger.record(row("session-1", 0, b"{}"))
    assert Store(tmp_path).totals().calls == 1


async def test_rows_that_queue_together_are_committed_together(
    tmp_path: Path, ledger: Ledger
) -> None:
    await asyncio.gather(*(ledger.record(row(f"session-{n}", 0, b"{}")) for n in range(200)))
    frames = wal_commits(shard_at(tmp_path, 1, 1).path)
    assert frames < 20


def wal_commits(path: Path) -> int:
    """Count the commit frames of a write-ahead log (sqlite.org/fileformat2.html, 4.1)."""
    log = path.with_name(path.name + "-wal").read_bytes()
    page = int.from_bytes(log[8:12], "big")
    return sum(
        int.from_bytes(log[at + 4 : at + 8], "big") > 0
        for at in range(32, len(log) - page, 24 + page)
    )


async def test_a_resumed_run_recalls_what_was_recorded(tmp_path: Path, ledger: Ledger) -> None:
    play = conversation("session-1", 4)
    await written(ledger, play)
    resumed = Ledger(shard_at(tmp_path, 2, 1), "hash", shards.list_shards(tmp_path)[:1])
    for one in play:
        assert resumed.recall(one.key, one.request_hash) == one.result
    assert resumed.recall(play[0].key.next_attempt(), play[0].request_hash) is None
    resumed.close()


async def test_a_changed_request_is_refused_and_names_the_call(
    tmp_path: Path, ledger: Ledger
) -> None:
    await ledger.record(row("session-1", 0, b"{}"))
    resumed = Ledger(shard_at(tmp_path, 2, 1), "hash", shards.list_shards(tmp_path)[:1])
    with pytest.raises(ResumeRefusedError, match="session-1/0/0/0"):
        resumed.recall(row("session-1", 0, b"{}").key, sha256(b"other").hexdigest())
    resumed.close()


@pytest.mark.parametrize(
    "outcome",
    [Outcome.CONNECTION, Outcome.REJECTED, Outcome.RATE_LIMITED, Outcome.SERVER_ERROR],
)
async def test_a_step_that_no_model_saw_is_asked_again(
    tmp_path: Path, ledger: Ledger, outcome: Outcome
) -> None:
    lost = CallResult(outcome=outcome, detail="not now")
    one, two = row("session-1", 0, b"{}"), row("session-1", 1, b"{}")
    await ledger.record(one.model_copy(update={"result": lost}))
    await ledger.record(row("session-1", 0, b"{}", attempt=1))
    await ledger.record(two.model_copy(update={"result": lost}))
    resumed = Ledger(shard_at(tmp_path, 2, 1), "hash", shards.list_shards(tmp_path)[:1])
    assert resumed.recall(one.key, one.request_hash) == lost
    assert resumed.recall(two.key, two.request_hash) is None
    await resumed.record(two)
    resumed.close()
    assert [call.result.outcome for call in Store(tmp_path).calls("session-1")] == [
        outcome,
        Outcome.OK,
        Outcome.OK,
    ]


async def test_what_was_asked_anew_does_not_mix_with_what_was_left_out(
    tmp_path: Path, ledger: Ledger
) -> None:
    lost = CallResult(outcome=Outcome.CONNECTION, detail="connection refused")
    first, second = row("session-1", 0, b"{}"), row("session-1", 0, b"{}", attempt=1)
    await ledger.record(first.model_copy(update={"result": lost}))
    await ledger.record(second.model_copy(update={"result": lost}))
    odd = first.result.model_copy(update={"outcome": Outcome.INVALID})
    resumed = Ledger(shard_at(tmp_path, 2, 1), "hash", shards.list_shards(tmp_path)[:1])
    await resumed.record(first.model_copy(update={"result": odd}))
    resumed.close()
    again = Ledger(shard_at(tmp_path, 3, 1), "hash", shards.list_shards(tmp_path)[:2])
    assert again.recall(first.key, first.request_hash) == odd
    repair = row("session-1", 0, b'{"repair":1}', attempt=1)
    assert again.recall(repair.key, repair.request_hash) is None
    again.close()


async def test_a_call_that_may_be_billed_counts_as_its_prompt(
    tmp_path: Path, ledger: Ledger
) -> None:
    broke = CallResult(outcome=Outcome.CONNECTION, detail="connection reset by peer", lost=True)
    await ledger.record(row("session-1", 0, b"x" * 40).model_copy(update={"result": broke}))
    ledger.close()
    assert Store(tmp_path).calls("session-1")[0].result == broke
    assert Store(tmp_path).spent({}).tokens == 10


async def test_a_worker_that_comes_late_to_make_its_shard_is_refused(tmp_path: Path) -> None:
    """Its driver was killed before it had one, and the run has been resumed meanwhile."""
    assert shards.begin_epoch(tmp_path, "hash") == 1
    assert shards.begin_epoch(tmp_path, "hash") == 2
    with pytest.raises(StoreError, match="newer run"):
        Ledger(shard_at(tmp_path, 1, 1), "hash", [])
    Ledger(shard_at(tmp_path, 2, 1), "hash", []).close()
    assert shards.begin_epoch(tmp_path, "hash") == 3


async def test_a_sealed_shard_refuses_its_writer(tmp_path: Path, ledger: Ledger) -> None:
    await ledger.record(row("session-1", 0, b"{}"))
    assert shards.begin_epoch(tmp_path, "hash") == 2
    with pytest.raises(StoreError, match="newer run"):
        await ledger.record(row("session-1", 1, b"{}"))
    assert Store(tmp_path).totals().calls == 1


async def test_another_run_hash_is_refused(tmp_path: Path, ledger: Ledger) -> None:
    with pytest.raises(ResumeRefusedError, match="other prompts"):
        shards.begin_epoch(tmp_path, "other")


async def test_a_full_disk_is_a_store_error_and_keeps_what_was_written(tmp_path: Path) -> None:
    ledger = Ledger(shard_at(tmp_path, 1, 1), "hash", page_limit=12)
    noise = random.Random(1)
    await ledger.record(row("session-0", 0, b"{}"))
    rows = [row(f"session-{n}", 0, noise.randbytes(3000)) for n in range(1, 40)]
    with pytest.raises(StoreError, match="disk is full"):
        await written(ledger, rows)
    with pytest.raises(StoreError, match="disk is full"):
        await ledger.record(row("session-99", 0, b"{}"))
    ledger.close()
    assert Store(tmp_path).check() >= 1


@pytest.mark.parametrize(
    "result",
    [
        CallResult(outcome=Outcome.OK, text="yes", usage=Usage(prompt_tokens=2**63)),
        CallResult(outcome=Outcome.OK, text="half a pair: \ud83d"),
    ],
    ids=["count", "text"],
)
async def test_a_row_that_cannot_be_stored_is_told_and_harms_no_other(
    tmp_path: Path, ledger: Ledger, result: CallResult
) -> None:
    await ledger.record(row("session-0", 0, b"{}"))
    odd = row("session-1", 0, b"{}").model_copy(update={"result": result})
    with pytest.raises(StoreError, match=r"session-1/0/0/0: .*cannot be stored"):
        await asyncio.wait_for(ledger.record(odd), 30)
    await asyncio.wait_for(ledger.record(row("session-2", 0, b"{}")), 30)
    assert Store(tmp_path).check() == 2


async def test_the_same_call_twice_is_an_error(ledger: Ledger) -> None:
    await ledger.record(row("session-1", 0, b"{}"))
    with pytest.raises(StoreError, match="twice"):
        await ledger.record(row("session-1", 0, b"{}"))


def wanted(session: str, step: int) -> Reservation:
    return Reservation(row(session, step, b"{}").key, Role.CLIENT, "m", 2, 10)


async def test_tokens_that_are_not_reported_are_estimated_now_and_on_resume(
    tmp_path: Path,
) -> None:
    wallet = open_wallet()
    ledger = Ledger(shard_at(tmp_path, 1, 1), "hash", wallet=wallet)
    silent = [
        one.model_copy(update={"result": one.result.model_copy(update={"usage": Usage()})})
        for one in conversation("session-1", 4)
    ]
    expected = sum(len(one.request) for one in silent) / 4
    assert 500 < expected < 2000
    await written(ledger, silent)
    ledger.close()
    assert expected <= wallet.spent.tokens < 2000
    assert 500 < Store(tmp_path).spent({}).tokens < 2000


async def test_a_stopped_ledger_records_but_permits_nothing(ledger: Ledger) -> None:
    await ledger.permit(wanted("session-1", 0))
    ledger.stop(interrupted())
    await ledger.record(row("session-1", 0, b"{}"))
    with pytest.raises(InterruptedRunError):
        await ledger.permit(wanted("session-1", 1))


async def test_a_folder_that_cannot_be_written_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(StoreError, match="cannot be used"):
        Ledger(shard_at(tmp_path / "taken" / "ledger", 1, 1), "hash")
