from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from domain.settings import BudgetSettings
from engine.bench import Bench, BenchPlan
from engine.ledger.shards import shard_at
from engine.ledger.store import Store
from engine.steward import Mandate, Steward

if TYPE_CHECKING:
    from pathlib import Path

    from domain.journal import Journal
    from engine.job import Factory


def plan(folder: Path, factory: Factory) -> BenchPlan:
    return BenchPlan(
        factory=factory,
        payload=b"",
        run_hash="hash",
        shard=shard_at(folder, 1, 1),
        earlier=(),
        link=Steward(Mandate(BudgetSettings())),
        in_flight=2,
        returns_results=True,
    )


class Stubborn:
    """A job that cannot let go of its connections."""

    async def run(self, item: bytes) -> bytes:
        return item

    async def aclose(self) -> None:
        raise OSError("still in use")


def broken(payload: bytes, journal: Journal) -> Stubborn:
    raise KeyError("no such prompt")


def stubborn(payload: bytes, journal: Journal) -> Stubborn:
    return Stubborn()


async def test_a_bench_whose_job_cannot_be_made_leaves_nothing_running(tmp_path: Path) -> None:
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
    with pytest.raises(KeyError):
        Bench(plan(tmp_path, broken))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == tasks
    assert set(threading.enumerate()) == threads


async def test_a_job_that_does_not_close_keeps_nothing_else_open(tmp_path: Path) -> None:
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
    bench = Bench(plan(tmp_path, stubborn))
    bench.give([("one", b"1")])
    await bench.ends(1, 0)
    with pytest.raises(OSError, match="still in use"):
        await bench.close()
    assert asyncio.all_tasks() == tasks
    assert {one.name for one in set(threading.enumerate()) - threads} <= {"asyncio_0"}
    assert Store(tmp_path).results() == {"one": b"1"}
