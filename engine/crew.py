"""The driver's side of the pool on Ray: it gives workers batches, and replaces those that die."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from domain.errors import BudgetReachedError, RehearsalError
from engine import cluster
from engine.actors import StewardHost, StewardLink, Worker
from engine.bench import interrupted
from engine.job import ItemEnd
from engine.ledger import shards
from engine.ledger.store import ended_in, spent_in
from engine.signals import Interrupts

if TYPE_CHECKING:
    from domain.settings import EngineSettings
    from engine.bench import BenchPlan
    from engine.job import Factory
    from engine.work import Work

_TICK_S = 0.5
_SPARE = 1.25
"""Items that a worker holds, as a multiple of what it plays at a time, so that it never waits."""
_RESTARTS_PER_WORKER = 3


@dataclass
class _Hand:
    """The driver's side of one worker."""

    actor: cluster.Actor
    plan: BenchPlan
    opened: cluster.Handle[Any]
    """Raises what kept the worker from starting."""
    held: dict[str, bytes] = field(default_factory=dict)
    heritage: list[tuple[str, bytes]] = field(default_factory=list)
    """What a dead worker held, not yet handed over; this one, hired later, can recall its calls."""
    call: cluster.Handle[Any] | None = None
    draining: cluster.Handle[Any] | None = None
    spent: bool = False
    """Its share of the budget is used up: it gets no more items."""


def prewarm(engine: EngineSettings, factory: Factory) -> None:
    """Start Ray and as many idle workers as the engine asks for, importing."""
    cluster.start(engine)
    idle = cluster.crew("workers")
    while len(idle) < engine.workers:
        idle.append(_hire(engine))
    _steward()
    for actor in idle:
        actor.call("prepare", factory.__module__)


def run(work: Work) -> int:
    """Play the work's items on workers; return how many workers had to be replaced."""
    cluster.start(work.engine, work.progress)
    crew = _Crew(work)
    with Interrupts(cancel=work.cancel) as interrupts:
        try:
            crew.open()
            while crew.busy:
                crew.heed(interrupts.count)
                crew.hand_out()
                crew.gather()
            work.interrupted = interrupts.count > 0
        finally:
            crew.close()
    return crew.restarts


class _Crew:
    def __init__(self, work: Work) -> None:
        self._work = work
        self._pending = deque(work.todo)
        self._idle = cluster.crew("workers")
        self._hands: list[_Hand] = []
        self._numbers = 0
        self._told = False
        self._steward = _steward()
        self.restarts = 0

    def open(self) -> None:
        try:
            self._steward.call("open", self._work.mandate).result()
        except cluster.WorkerDiedError:  # since the last run: it kept nothing that this one needs
            cluster.crew("steward").clear()
            self._steward = _steward()
            self._steward.call("open", self._work.mandate).result()
        for _ in range(self._work.workers):
            self._hands.append(self._hire())

    @property
    def busy(self) -> bool:
        """Whether something is being played, or could be."""
        return any(hand.held for hand in self._hands) or bool(self._pending and self._takers())

    def heed(self, interrupts: int) -> None:
        """Drain on the first Ctrl-C or the first grave error; stop on the second Ctrl-C."""
        if interrupts > 1:
            for hand in self._hands:
                hand.actor.kill()
            self._hands.clear()
            raise interrupted()
        if (interrupts or self._work.stopping) and not self._told:
            self._told = True
            if interrupts:
                self._pending_end()
            for hand in self._hands:
                for item, _ in hand.heritage:
                    del hand.held[item]
                hand.heritage.clear()
                hand.draining = hand.actor.call("drain")

    def _pending_end(self) -> None:
        """What nobody has begun is left for the resumed run."""
        if self._pending or any(hand.held for hand in self._hands):
            self._work.error = self._work.error or interrupted()

    def _takers(self) -> list[_Hand]:
        return [] if self._told else [hand for hand in self._hands if not hand.spent]

    def hand_out(self) -> None:
        """Top every worker up, sharing what is left evenly, and ask each for what has ended."""
        takers = self._takers()
        for hand in self._hands:
            batch: list[tuple[str, bytes]] = []
            if hand in takers and hand.call is None:
                room = int(hand.plan.in_flight * _SPARE) - len(hand.held)
                fair = -(-len(self._pending) // len(takers))
                fresh = [self._pending.popleft() for _ in range(max(0, min(room, fair)))]
                hand.held.update(fresh)
                batch, hand.heritage = [*hand.heritage, *fresh], []
            if hand.call is None and hand.held:
                hand.call = hand.actor.call("exchange", batch)

    def gather(self) -> None:
        """Take what has come back; replace a worker that has died."""
        calls = {hand.call.ref: hand for hand in self._hands if hand.call is not None}
        if not calls:
            return
        waiting = [hand.call for hand in self._hands if hand.call is not None]
        for handle in cluster.wait(waiting, _TICK_S):
            hand = calls[handle.ref]
            try:
                hand.opened.result()
                ends = handle.result()
            except cluster.WorkerDiedError as error:
                self._replace(hand, error)
                continue
            hand.call = None
            for end in ends:
                hand.held.pop(end.item, None)
                hand.spent = hand.spent or isinstance(end.error, BudgetReachedError)
                self._work.take(end)

    def _hire(self) -> _Hand:
        self._numbers += 1
        actor = self._idle.pop() if self._idle else _hire(self._work.engine)
        plan = self._work.plan(self._numbers, StewardLink(self._steward))
        return _Hand(actor, plan, actor.call("open", plan))

    def _replace(self, hand: _Hand, error: cluster.WorkerDiedError) -> None:
        """Seal the dead worker's shard and give its items to a new one."""
        self._hands.remove(hand)
        self.restarts += 1
        if self.restarts > _RESTARTS_PER_WORKER * self._work.workers:
            raise RehearsalError(
                "workers keep dying",
                where=f"items {', '.join(list(hand.held)[:3])}…",
                got=str(error).strip().splitlines()[0],
                mend="See Ray's logs; memory is the usual cause: lower engine.sessions_in_flight.",
            ) from error
        if hand.plan.shard.path.exists():
            shards.seal(hand.plan.shard)
        spent = spent_in(hand.plan.shard, self._work.mandate.prices)
        self._steward.call("leave", hand.plan.shard.worker, spent)
        self._take_ended(hand)
        if self._told:
            self._work.error = self._work.error or interrupted()
            return
        # Not to any other: one that was hired before cannot recall what the dead one had asked.
        heir = self._hire()
        heir.held.update(hand.held)
        heir.heritage = list(hand.held.items())
        self._hands.append(heir)

    def _take_ended(self, hand: _Hand) -> None:
        """Take what a dead worker had finished and no longer came to say: else it is paid again."""
        for item, result in ended_in(hand.plan.shard, hand.held).items():
            del hand.held[item]
            self._work.take(ItemEnd(item, result if hand.plan.returns_results else None))

    def close(self) -> None:
        """Close the benches and keep the workers for the next run.

        Calls may begin out of order, so each is closed once nothing else is on its way to it. One
        that has not opened yet has nothing to close, and nobody waits for what it imports.
        """
        closing = [(hand.actor, hand.actor.call("close")) for hand in self._hands if _is_in(hand)]
        for actor, handle in closing:
            try:
                handle.result()
            except cluster.WorkerDiedError:
                continue
            self._idle.append(actor)
        with suppress(cluster.WorkerDiedError):
            self._steward.call("close", self._work.why_stopped).result()


def _is_in(hand: _Hand) -> bool:
    """Whether a worker has opened its bench; one that has not is ended, before it does."""
    if not hand.opened.ready:
        hand.actor.kill()
        return False
    if hand.draining is not None:
        with suppress(cluster.WorkerDiedError):
            hand.draining.result()
    return True


def _steward() -> cluster.Actor:
    """The steward's process, on the driver's machine; it is kept for the next run."""
    kept = cluster.crew("steward")
    if not kept:
        kept.append(cluster.actor(StewardHost, here=True))
    return kept[0]


def _hire(engine: EngineSettings) -> cluster.Actor:
    """Start one worker. On a cluster it takes a CPU, so that workers spread over the machines."""
    return cluster.actor(Worker, cpus=0 if engine.ray_address is None else 1)
