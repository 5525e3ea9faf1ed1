"""Endpoints with a capacity that changes, and the workers that call them, in virtual time.

The gates, the liaisons and the steward are the real ones; only the server is played.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, cast

from domain.call import CallKey, CallResult, Outcome, Reservation, Role
from domain.settings import BudgetSettings, RoleSettings
from engine.liaison import Liaison
from engine.steward import Mandate, Steward

if TYPE_CHECKING:
    from engine.limits.gate import EndpointGate
    from engine.steward import Orders, Report
    from tests.support.virtualtime import VirtualLoop

KEY = CallKey(session="s", draft=0, step=0, attempt=0)
CALL = Reservation(KEY, Role.CLIENT, "m", 400, 100)
ENDPOINT = RoleSettings(model="m", base_url="http://h/v1", concurrency=4096)


@dataclass
class Log:
    """What a server did, with the time of each."""

    answered: list[tuple[float, float]] = field(default_factory=list)
    """When, and after how long."""
    refused: list[float] = field(default_factory=list)
    arrived: list[float] = field(default_factory=list)


class Server:
    """Works on `capacity` calls at a time; each takes `latency_s`, spread by `sigma`.

    A queueing one lets the others wait, a refusing one answers them with 429.
    """

    def __init__(
        self, capacity: int, latency_s: float, *, queues: bool, sigma: float = 0.0, seed: int = 0
    ) -> None:
        self.capacity = capacity
        self.latency_s = latency_s
        self.queues = queues
        self.sigma = sigma
        self.retry_after_s: float | None = None
        self.fault: Outcome | None = None
        self.log = Log()
        self._dice = random.Random(seed)
        self._busy = 0
        self._line: deque[asyncio.Future[None]] = deque()

    async def ask(self) -> CallResult:
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.log.arrived.append(began)
        if self.fault is not None:
            await asyncio.sleep(0.01)
            return CallResult(outcome=self.fault, detail="as told", latency_ms=10)
        if self._busy >= self.capacity:
            if not self.queues:
                await asyncio.sleep(0.005)
                self.log.refused.append(loop.time())
                return CallResult(
                    outcome=Outcome.RATE_LIMITED,
                    detail="HTTP 429",
                    latency_ms=5,
                    retry_after_s=self.retry_after_s,
                )
            turn = loop.create_future()
            self._line.append(turn)
            await turn
        else:
            self._busy += 1
        try:
            await asyncio.sleep(self.latency_s * self._dice.lognormvariate(0, self.sigma))
        finally:
            self._free()
        took = loop.time() - began
        self.log.answered.append((loop.time(), took))
        return CallResult(outcome=Outcome.OK, text="hello", latency_ms=1000 * took)

    def _free(self) -> None:
        self._busy -= 1
        while self._line and self._busy < self.capacity:
            turn = self._line.popleft()
            if not turn.done():
                self._busy += 1
                turn.set_result(None)


class SlowLink:
    """A way to the steward that takes time, as between processes."""

    def __init__(self, steward: Steward, delay_s: float) -> None:
        self.steward = steward
        self.delay_s = delay_s
        self.broken = False

    async def exchange(self, report: Report) -> Orders:
        if self.broken:
            raise ConnectionError("the steward's machine is gone")
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        orders = await self.steward.exchange(report)
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        return orders


@dataclass
class Crowd:
    """Sessions over several workers that call one server without a break."""

    server: Server
    workers: int = 1
    sessions: int = 64
    """Of each worker."""
    delay_s: float = 0.0
    settings: RoleSettings = ENDPOINT
    retry_s: float = 0.5
    compute_s: float = 0.0
    """That the worker's own event loop is busy with each call."""

    async def start(self) -> None:
        self.steward = Steward(Mandate(BudgetSettings()), asyncio.get_running_loop().time)
        self.links = [SlowLink(self.steward, self.delay_s) for _ in range(self.workers)]
        self.liaisons = [Liaison(n, link) for n, link in enumerate(self.links)]
        self.gates = [liaison.gates.gate(self.settings) for liaison in self.liaisons]
        self.tasks = [
            asyncio.create_task(self.talk(gate))
            for gate in self.gates
            for _ in range(self.sessions)
        ]

    async def talk(self, gate: EndpointGate) -> None:
        while True:
            result = await call(gate, self.server)
            if self.compute_s:
                cast("VirtualLoop", asyncio.get_running_loop()).compute(self.compute_s)
            if result.outcome is not Outcome.OK:
                await asyncio.sleep(result.retry_after_s or self.retry_s)

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for liaison in self.liaisons:
            await liaison.aclose()


async def call(gate: EndpointGate, server: Server) -> CallResult:
    await gate.enter(CALL)
    result = None
    try:
        result = await server.ask()
    finally:
        gate.leave(CALL, result)
    return result


@dataclass(frozen=True)
class Figures:
    """How an endpoint was used between two moments."""

    share: float
    """Answers, of those that the capacity allows."""
    refused: float
    """Refusals, of all that ended."""
    latency: float
    """Median, over the unloaded one."""


def figures(server: Server, begin: float, end: float) -> Figures:
    answered = [took for at, took in server.log.answered if begin <= at < end]
    refused = sum(begin <= at < end for at in server.log.refused)
    mean_s = server.latency_s * 2.718281828 ** (server.sigma**2 / 2)
    return Figures(
        len(answered) * mean_s / (server.capacity * (end - begin)),
        refused / max(1, refused + len(answered)),
        median(answered) / server.latency_s if answered else float("inf"),
    )
