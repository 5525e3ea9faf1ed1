"""One run of the pool: what is to be done, what has come back, and what stopped it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from domain.errors import BudgetReachedError, InterruptedRunError, RehearsalError
from engine.bench import BenchPlan
from engine.ledger import shards
from engine.ledger.store import Store
from engine.live import LivePlan
from engine.spending.budget import NOTHING, Spend, limits_of, refuse_spent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from domain.progress import Progress
    from domain.settings import EngineSettings
    from engine.job import Factory, ItemEnd
    from engine.steward import Link, Mandate


@dataclass
class Work:
    """One run of the pool; `engine.pool.run_all` says what its fields mean."""

    factory: Factory
    payload: bytes
    folder: Path
    engine: EngineSettings
    run_hash: str
    todo: list[tuple[str, bytes]]
    """All items at first; after `begin` those that are still to be played."""
    progress: Progress
    on_result: Callable[[str, bytes], None] | None
    stage: str
    mandate: Mandate
    variables: tuple[str, ...] = ()
    again: frozenset[str] = frozenset()
    cancel: Path | None = None
    elsewhere: Spend = NOTHING
    environment: dict[str, str] = field(default_factory=dict)
    """The variables that workers get."""
    epoch: int = 0
    workers: int = 1
    total: int = 0
    done: int = 0
    error: RehearsalError | None = None
    interrupted: bool = False
    """Whether Ctrl-C or `campaign cancel` came while it was played."""

    def begin(self, live: Path | None) -> None:
        """Seal what earlier runs wrote, take their results, and see what is left to do and spend.

        Args:
            live: The live file, where anybody may watch.

        Raises:
            BudgetReachedError: Nothing is left to spend.
            ResumeRefusedError: The ledger is of another run.
            StoreError: The ledger cannot be used.
        """
        self.epoch = shards.begin_epoch(self.folder, self.run_hash)
        names = [*self.variables, *shards.variables(self.folder)]
        self.environment = {name: os.environ[name] for name in names if name in os.environ}
        self._skip_finished()
        if self.todo:
            self._prepare(live)

    def _skip_finished(self) -> None:
        """Take the results of earlier runs, and leave what is still to be done."""
        store = Store(self.folder)
        results = store.results() if self.on_result is not None else {}
        finished = (set(results) if self.on_result is not None else store.finished()) - self.again
        if self.on_result is not None:
            for item, _ in self.todo:
                if item in finished:
                    self.on_result(item, results[item])
        self.total = len(self.todo)
        self.todo = [item for item in self.todo if item[0] not in finished]
        self.done = self.total - len(self.todo)
        self.progress(self.stage, self.done, self.total)

    def _prepare(self, live: Path | None) -> None:
        """Say what was spent before, and hire no more workers than there is work for."""
        spent = Store(self.folder).spent(self.mandate.prices) + self.elsewhere
        refuse_spent(limits_of(self.mandate.budget), spent)
        plan = None if live is None else LivePlan(live.absolute(), self.total, self.done)
        self.mandate = replace(self.mandate, before=spent, live=plan)
        self.workers = min(self.engine.workers, len(self.todo)) if self.engine.kind == "ray" else 1

    def plan(self, worker: int, link: Link) -> BenchPlan:
        """Return what worker number `worker` needs; it recalls from every shard that is sealed."""
        return BenchPlan(
            factory=self.factory,
            payload=self.payload,
            run_hash=self.run_hash,
            shard=shards.shard_at(self.folder, self.epoch, worker),
            earlier=tuple(shards.list_sealed(self.folder, self.epoch)),
            link=link,
            in_flight=self.engine.sessions_in_flight,
            returns_results=self.on_result is not None,
            environment=self.environment,
            again=self.again,
        )

    def take(self, end: ItemEnd) -> None:
        """Count one ended item; the gravest error is kept."""
        self._note(end.error or end.stop)
        if end.error is not None:
            return
        self.done += 1
        if self.on_result is not None and end.result is not None:
            self.on_result(end.item, end.result)
        self.progress(self.stage, self.done, self.total)

    def _note(self, error: RehearsalError | None) -> None:
        """Keep an error that is graver than what is known."""
        if error is not None and (self.error is None or _gravity(error) > _gravity(self.error)):
            self.error = error

    @property
    def why_stopped(self) -> str:
        """What stopped the run, in a few words; empty where it went to its end."""
        return self.error.what if self.error is not None else ""

    @property
    def stopping(self) -> bool:
        """Whether an error says that no item should be started any more."""
        return self.error is not None and not isinstance(self.error, BudgetReachedError)


def _gravity(error: RehearsalError) -> int:
    """Order errors by how much they say: an interruption least, what went wrong most."""
    if isinstance(error, InterruptedRunError):
        return 0
    return 1 if isinstance(error, BudgetReachedError) else 2
