"""A worker that is told to stop before its bench is open, which takes seconds of importing."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from domain.errors import InterruptedRunError
from domain.settings import BudgetSettings
from engine import cluster
from engine.actors import StewardHost, StewardLink, Worker
from engine.bench import BenchPlan
from engine.ledger.shards import shard_at
from engine.steward import Mandate, Steward

if TYPE_CHECKING:
    from domain.journal import Journal
    from engine.job import ItemEnd
    from engine.steward import Link

ITEMS = [(f"session-{n}", b"") for n in range(7)]


class Begun:
    """A job that leaves a mark for every item that is begun."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def run(self, item: bytes) -> bytes:
        (self._folder / f"begun-{time.monotonic_ns()}").touch()
        return item

    async def aclose(self) -> None:
        pass


def begun(payload: bytes, journal: Journal) -> Begun:
    return Begun(Path(payload.decode()))


def plan(folder: Path, link: Link, epoch: int = 1) -> BenchPlan:
    return BenchPlan(
        factory=begun,
        payload=str(folder).encode(),
        run_hash="hash",
        shard=shard_at(folder, epoch, 1),
        earlier=(),
        link=link,
        in_flight=6,
        returns_results=True,
    )


def assert_left_alone(ends: list[ItemEnd], folder: Path) -> None:
    """All that was handed out has come back, and nothing of it was begun."""
    assert [end.item for end in ends] == [item for item, _ in ITEMS]
    assert {type(end.error) for end in ends} == {InterruptedRunError}
    assert not list(folder.glob("begun-*"))


@pytest.mark.parametrize("handed_out", ["before", "after"])
async def test_one_that_is_drained_before_it_opens_begins_nothing(
    tmp_path: Path, handed_out: str
) -> None:
    worker = Worker()
    exchange = asyncio.create_task(worker.exchange(ITEMS))
    if handed_out == "before":
        await asyncio.sleep(0)
    await worker.drain()
    await worker.open(plan(tmp_path, Steward(Mandate(BudgetSettings()))))
    assert_left_alone(await exchange, tmp_path)
    await worker.close()


async def test_a_drain_is_forgotten_with_its_bench(tmp_path: Path) -> None:
    worker, steward = Worker(), Steward(Mandate(BudgetSettings()))
    await worker.open(plan(tmp_path, steward))
    await worker.drain()
    await worker.close()
    await worker.open(plan(tmp_path, steward, epoch=2))
    ends = await worker.exchange(ITEMS[:1])
    await worker.close()
    assert [(end.item, end.error) for end in ends] == [("session-0", None)]


@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
def test_a_process_that_is_drained_while_it_starts_begins_nothing(tmp_path: Path) -> None:
    """Ray begins the drain before the opening, whose plan it has to read first."""
    steward, worker = cluster.actor(StewardHost), cluster.actor(Worker)
    steward.call("open", Mandate(BudgetSettings())).result()
    opened = worker.call("open", plan(tmp_path, StewardLink(steward)))
    worker.call("drain")
    exchange = worker.call("exchange", ITEMS)
    opened.result()
    assert_left_alone(exchange.result(), tmp_path)
    worker.call("close").result()
    for actor in (worker, steward):
        actor.kill()
