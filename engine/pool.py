"""Runs a job over many items, in this process or on Ray workers, with the same code inside."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from domain.errors import BudgetReachedError, InterruptedRunError, RehearsalError
from engine.bench import Bench, BenchPlan, interrupted
from engine.ledger import shards
from engine.ledger.store import Store
from engine.live import LivePlan
from engine.signals import Interrupts
from engine.spending.budget import limits_of, refuse_spent
from engine.steward import Mandate, Steward

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from domain.price import Price
    from domain.progress import Progress
    from domain.settings import BudgetSettings, EngineSettings
    from engine.job import Factory, ItemEnd
    from engine.steward import Link

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


@dataclass
class Work:
    """One run of the pool: what is to be done, and what has come back."""

    factory: Factory
    payload: bytes
    folder: Path
    engine: EngineSettings
    run_hash: str
    epoch: int
    workers: int
    todo: list[tuple[str, bytes]]
    total: int
    progress: Progress
    on_result: Callable[[str, bytes], None] | None
    stage: str
    environment: dict[str, str]
    mandate: Mandate
    again: frozenset[str] = frozenset()
    """Items that are played again though they have a result."""
    cancel: Path | None = None
    """A file that asks for a drain."""
    done: int = 0
    error: RehearsalError | None = None

    def plan(self, worker: int, link: Link) -> BenchPlan:
        """Return what worker number `worker` needs; it recalls from every shard there is now."""
        return BenchPlan(
            factory=self.factory,
            payload=self.payload,
            run_hash=self.run_hash,
            shard=shards.shard_at(self.folder, self.epoch, worker),
            earlier=tuple(shards.list_shards(self.folder)),
            link=link,
            in_flight=self.engine.sessions_in_flight,
            returns_results=self.on_result is not None,
            environment=self.environment,
            again=self.again,
        )

    def take(self, end: ItemEnd) -> None:
        """Count one ended item; the gravest error is kept."""
        if end.error is not None:
            if self.error is None or _gravity(end.error) > _gravity(self.error):
                self.error = end.error
            return
        self.done += 1
        if self.on_result is not None and end.result is not None:
            self.on_result(end.item, end.result)
        self.progress(self.stage, self.done, self.total)

    @property
    def why_stopped(self) -> str:
        """What stopped the run, in a few words; empty where it went to its end."""
        return self.error.what if self.error is not None else ""

    @property
    def stopping(self) -> bool:
        """Whether an error says that no item should be started any more."""
        return self.error is not None and not isinstance(self.error, BudgetReachedError)


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

    Raises:
        BudgetReachedError: Stopped by the budget; can be resumed.
        InterruptedRunError: Stopped by Ctrl-C; can be resumed.
        ResumeRefusedError: Prompts, config or a recorded request have changed.
        StoreError: The ledger cannot be read or written.
        RehearsalError: An item raised something unexpected (the item is named), or workers keep
            dying.
    """
    with shards.held(folder, run_hash, engine.store):
        epoch = shards.begin_epoch(folder, run_hash)
        work = Work(
            factory=factory,
            payload=payload,
            folder=folder,
            engine=engine,
            run_hash=run_hash,
            epoch=epoch,
            workers=1,
            todo=list(items),
            total=len(items),
            again=again,
            progress=progress,
            on_result=on_result,
            stage=stage,
            environment=_environment([*variables, *shards.variables(folder)]),
            mandate=Mandate(budget, prices or {}),
            cancel=cancel,
        )
        _skip_finished(work)
        _prepare(work, live)
        before = work.done
        restarts = 0
        if work.todo:
            if engine.kind == "ray":
                from engine import crew  # Ray takes a second to import; inline runs never need it

                restarts = crew.run(work)
            else:
                asyncio.run(run_items(work))
        if work.error is not None:
            raise work.error
        return PoolSummary(work.total, before, work.done - before, restarts)


def _environment(names: Sequence[str]) -> dict[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}


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


def _skip_finished(work: Work) -> None:
    """Take the results of earlier runs, and leave what is still to be done."""
    store = Store(work.folder)
    results = store.results() if work.on_result is not None else {}
    finished = (set(results) if work.on_result is not None else store.finished()) - work.again
    if work.on_result is not None:
        for item, _ in work.todo:
            if item in finished:
                work.on_result(item, results[item])
    work.todo = [item for item in work.todo if item[0] not in finished]
    work.done = work.total - len(work.todo)
    work.progress(work.stage, work.done, work.total)


def _prepare(work: Work, live: Path | None) -> None:
    """Say what was spent before, and hire no more workers than there is work for.

    Raises:
        BudgetReachedError: Nothing is left to spend.
    """
    if work.todo:
        mandate = work.mandate
        spent = Store(work.folder).spent(mandate.prices)
        refuse_spent(limits_of(mandate.budget), spent)
        plan = None if live is None else LivePlan(live.absolute(), work.total, work.done)
        work.mandate = replace(mandate, before=spent, live=plan)
        work.workers = min(work.engine.workers, len(work.todo)) if work.engine.kind == "ray" else 1


def _gravity(error: RehearsalError) -> int:
    """Order errors by how much they say: an interruption least, what went wrong most."""
    if isinstance(error, InterruptedRunError):
        return 0
    return 1 if isinstance(error, BudgetReachedError) else 2
