"""Runs a job over many items, in this process or on Ray workers, with the same code inside."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.bench import Bench, interrupted
from engine.ledger import shards
from engine.signals import Interrupts
from engine.spending.budget import NOTHING
from engine.steward import Mandate, Steward
from engine.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from domain.price import Price
    from domain.progress import Progress
    from domain.settings import BudgetSettings, EngineSettings
    from engine.job import Factory, ItemEnd
    from engine.spending.budget import Spend

_LIMIT = 64


@dataclass(frozen=True)
class PoolSummary:
    """What a run of the pool did."""

    items: int
    finished_before: int
    """Items whose result was in the ledger already."""
    finished: int
    """Items finished now."""
    restarts: int = 0
    """Workers that died and were replaced."""
    interrupted: bool = False
    """Whether somebody asked to stop while the last items were played: all of them have ended."""


def run_all(
    factory: Factory,
    payload: bytes,
    items: Sequence[tuple[str, bytes]],
    folder: Path,
    engine: EngineSettings,
    budget: BudgetSettings,
    run_hash: str,
    progress: Progress,
    on_result: Callable[[str, bytes], None] | None = None,
    *,
    stage: str = "sessions",
    variables: Sequence[str] = (),
    again: frozenset[str] = frozenset(),
    prices: Mapping[str, Price] | None = None,
    live: Path | None = None,
    cancel: Path | None = None,
    elsewhere: Spend = NOTHING,
    passed_s: float = 0.0,
) -> PoolSummary:
    """Run the job that `factory` makes over `items` and keep every result in the ledger.

    The caller holds the run's lock. With `engine.kind: ray`, Ray is started if it is not. The
    first Ctrl-C lets calls in flight end and be recorded; the second stops at once.

    Args:
        factory: Module-level callable `(payload, journal) -> Job`; called inside each worker.
        payload: What the factory needs, as bytes.
        items: (item id, item) in plan order; an item with a recorded result is not run again.
        folder: The ledger's folder.
        engine: Where to run, and how many items at a time.
        budget: What may be spent in all, with what the ledger already holds.
        run_hash: Hash of prompts and config; a ledger of another one is refused.
        progress: Told of each finished item, under the name `stage`.
        on_result: Given every item's result: first those of earlier runs, in plan order, then
            each as it finishes.
        stage: What the items are called when progress is told.
        variables: Names of environment variables that workers need as they are here, such as
            those with endpoints' keys: a worker may have started before they were set, or on
            another machine. They travel in memory only.
        again: Items to be run again though they have a result, such as those that failed because
            nobody answered; what was answered is recalled all the same.
        prices: What each role's tokens cost; a role that is not named pays nothing.
        live: A file to write how the run stands to, about once a second.
        cancel: A file that drains the run, as the first Ctrl-C does, when somebody makes it.
        elsewhere: What the budget was spent on that another ledger holds.
        passed_s: Seconds of the deadline that are gone already, in earlier rounds of the same run.

    Raises:
        BudgetReachedError: Stopped by the budget; can be resumed.
        InterruptedRunError: Stopped by Ctrl-C; can be resumed.
        ResumeRefusedError: Prompts, config or a recorded request have changed.
        StoreError: The ledger cannot be read or written.
        RehearsalError: An item raised something unexpected (the item is named), or workers keep
            dying.
    """
    work = Work(
        factory=factory,
        payload=payload,
        folder=folder,
        engine=engine,
        run_hash=run_hash,
        todo=list(items),
        progress=progress,
        on_result=on_result,
        stage=stage,
        variables=tuple(variables),
        mandate=Mandate(budget, prices or {}, passed_s=passed_s),
        again=again,
        cancel=cancel,
        elsewhere=elsewhere,
    )
    with shards.held(folder, run_hash, engine.store):
        work.begin(live)
        before = work.done
        restarts = _play(work) if work.todo else 0
        if work.error is not None:
            raise work.error
        return PoolSummary(
            work.total, before, work.done - before, restarts, interrupted=work.interrupted
        )


def _play(work: Work) -> int:
    """Play what is to be done where the engine says; return how many workers were replaced."""
    if work.engine.kind == "ray":
        from engine import crew  # Ray takes a second to import; inline runs never need it

        return crew.run(work)
    asyncio.run(run_items(work))
    return 0


def ready(engine: EngineSettings, progress: Progress) -> None:
    """Start what `run_all` would, so that a run that cannot start has written nothing.

    Raises:
        ConfigError: No cluster answers at the address.
        RehearsalError: Ray could not be started here.
    """
    if engine.kind == "ray":
        from engine import cluster

        cluster.start(engine, progress)


def prewarm(engine: EngineSettings, factory: Factory) -> None:
    """Start Ray and its workers now, and let them import what `factory` needs; returns at once.

    Importing the graphs takes a worker many seconds; `run_all` then finds them ready.
    """
    if engine.kind == "ray":
        from engine import crew

        crew.prewarm(engine, factory)


async def run_items(work: Work) -> None:
    """Play the work's items on one bench in this process."""
    steward = Steward(work.mandate)
    bench = Bench(work.plan(1, steward))
    left = len(work.todo)
    bench.give(work.todo)
    woken, loop = asyncio.Event(), asyncio.get_running_loop()
    try:
        with Interrupts(lambda: loop.call_soon_threadsafe(woken.set), work.cancel) as interrupts:
            while left:
                ends = await _ends(bench, interrupts, woken)
                left -= len(ends)
                for end in ends:
                    work.take(end)
            work.interrupted = interrupts.count > 0
    finally:
        await bench.close()
        steward.close(work.why_stopped)


async def _ends(bench: Bench, interrupts: Interrupts, woken: asyncio.Event) -> list[ItemEnd]:
    """Wait for ends, heeding Ctrl-C meanwhile, as soon as it comes."""
    waiting = asyncio.create_task(bench.ends(_LIMIT, linger_s=0))
    alarm = asyncio.create_task(woken.wait())
    try:
        while True:
            if interrupts.count == 1:
                bench.drain()
            elif interrupts.count > 1:
                raise interrupted()
            if waiting.done():
                return waiting.result()
            await asyncio.wait({waiting, alarm}, return_when=asyncio.FIRST_COMPLETED)
            if alarm.done():
                woken.clear()
                alarm = asyncio.create_task(woken.wait())
    finally:
        waiting.cancel()
        alarm.cancel()
