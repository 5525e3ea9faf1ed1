"""Role models at an endpoint that answers nothing, or asks to be left alone, in virtual time.

Models, gates, liaisons and steward are the real ones; only the network is played.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Self

import pytest

from agents.llm import RoleModel
from domain.call import CallFailed, CallKey, CallResult, Outcome, Role
from domain.errors import InterruptedRunError
from domain.gate import UNSENT
from domain.settings import BudgetSettings, RoleSettings
from engine.bench import interrupted
from engine.liaison import Liaison
from engine.live import LiveState
from engine.steward import Mandate, Steward
from tests.support.endpoints import Server
from tests.support.memory import MemoryJournal
from tests.support.virtualtime import run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from agents.line import Line
    from agents.messages import Message
    from domain.call import Reservation
    from domain.endpointstate import EndpointState

HELLO: list[Message] = [{"role": "user", "content": "Hello."}]


class Worker(MemoryJournal):
    """A worker's journal: its gates and its wallet are those that its liaison looks after."""

    def __init__(self, number: int, steward: Steward) -> None:
        super().__init__()
        self.liaison = Liaison(number, steward)
        self.gates = self.liaison.gates

    async def permit(self, call: Reservation) -> None:
        await self.liaison.wallet.permit(call)


class Stage:
    """Sessions of several workers that talk to one server until they fail."""

    def __init__(
        self, server: Server, patience_s: float, workers: int = 1, retries: int = 4
    ) -> None:
        self.server = server
        self.settings = RoleSettings(
            model="m", base_url="http://h/v1", patience_s=patience_s, retries=retries
        )
        self.steward = Steward(Mandate(BudgetSettings()), asyncio.get_running_loop().time)
        self.workers = [Worker(n, self.steward) for n in range(workers)]
        self.failed: list[tuple[float, CallResult]] = []
        """When, and how."""
        self.tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for worker in self.workers:
            await worker.liaison.aclose()

    @property
    def state(self) -> EndpointState:
        return self.steward.endpoints()[0]

    def begin(self, sessions: int, workers: slice = slice(None)) -> None:
        """Let so many more sessions of each worker talk."""
        for worker in self.workers[workers]:
            model = RoleModel(Role.CLIENT, self.settings, worker)
            for _ in range(sessions):
                name = f"s{len(self.tasks)}"
                self.tasks.append(asyncio.create_task(self._talk(model, name)))

    async def _talk(self, model: RoleModel, session: str) -> None:
        for step in range(1_000_000):
            key = CallKey(session=session, draft=0, step=step, attempt=0)
            try:
                await model.say(HELLO, key, seed=1)
            except CallFailed as failed:
                self.failed.append((asyncio.get_running_loop().time(), failed.result))
                return


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server that every call of this test reaches."""
    played = Server(64, 2.0, queues=True)

    async def post(
        line: Line, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> CallResult:
        return await played.ask()

    monkeypatch.setattr("agents.line.Line.post", post)
    return played


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("sessions", "patience_s"), [(1, 300), (8, 60), (32, 600)])
def test_who_waits_for_an_endpoint_that_answers_nothing_gives_up_in_time(
    server: Server, workers: int, sessions: int, patience_s: float
) -> None:
    """One call a minute tries a paused endpoint: those in line must not wait for their turn."""

    async def play() -> None:
        async with Stage(server, patience_s, workers) as stage:
            stage.begin(sessions)
            await asyncio.sleep(10)
            server.fault = Outcome.CONNECTION
            await asyncio.sleep(30)
            pause = stage.state.pause
            assert pause is not None
            over = asyncio.get_running_loop().time() + patience_s - pause.since_s
            await asyncio.gather(*stage.tasks)
            when = [at for at, _ in stage.failed]
            assert len(when) == workers * sessions
            assert over - 1 <= min(when)
            assert max(when) <= over + 30, "who waits outside the line comes back within a backoff"
            assert {result.outcome for _, result in stage.failed} == {Outcome.CONNECTION}
            unsent = [r for _, r in stage.failed if r.detail.startswith("not sent")]
            assert unsent
            assert f"patience_s ({patience_s:g}) is over" in unsent[0].detail
            rows = [row for worker in stage.workers for row in worker.rows.values()]
            assert not any(row.result.detail.startswith("not sent") for row in rows)

    run(play())


def test_whoever_comes_later_has_a_patience_of_its_own(server: Server) -> None:
    """A campaign's next sessions do not all fail at once where the first have."""

    async def play() -> None:
        async with Stage(server, 300) as stage:
            stage.begin(8)
            server.fault = Outcome.SERVER_ERROR
            await asyncio.sleep(200)
            late = asyncio.get_running_loop().time()
            stage.begin(8)
            await asyncio.sleep(150)
            assert len(stage.failed) == 8
            await asyncio.gather(*stage.tasks)
            assert min(at for at, _ in stage.failed[8:]) >= late + 300

    run(play())


@pytest.mark.parametrize("workers", [1, 2])
def test_an_endpoint_that_comes_back_in_time_is_used_again(server: Server, workers: int) -> None:
    async def play() -> None:
        async with Stage(server, 600, workers) as stage:
            stage.begin(4)
            await asyncio.sleep(10)
            server.fault = Outcome.CONNECTION
            await asyncio.sleep(300)
            server.fault = None
            await asyncio.sleep(120)
            assert not stage.failed
            assert stage.state.pause is None

    run(play())


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("fault", [Outcome.CONNECTION, Outcome.SERVER_ERROR])
@pytest.mark.parametrize("gone_s", [35, 50, 58])
def test_an_endpoint_that_is_back_by_the_end_of_patience_loses_nobody(
    server: Server, workers: int, fault: Outcome, gone_s: float
) -> None:
    """Whatever the pause between its probes has grown to."""

    async def play() -> None:
        async with Stage(server, 60, workers) as stage:
            stage.begin(6)
            await asyncio.sleep(10)
            server.fault = fault
            await asyncio.sleep(gone_s)
            server.fault = None
            await asyncio.sleep(60)
            assert not stage.failed
            assert stage.state.pause is None

    run(play())


@pytest.mark.parametrize("workers", [1, 2])
def test_nobody_gives_up_before_a_last_try_that_is_made_for_all(
    server: Server, workers: int
) -> None:
    async def play() -> None:
        async with Stage(server, 60, workers) as stage:
            stage.begin(6)
            await asyncio.sleep(10)
            server.fault = Outcome.SERVER_ERROR
            await asyncio.gather(*stage.tasks)
            given_up = min(at for at, _ in stage.failed)
            last = [at for at in server.log.arrived if at > given_up - 5]
            assert len(last) == 1
            assert last[0] < given_up

    run(play())


def test_whoever_tries_an_endpoint_to_the_end_is_given_up_with_the_others(server: Server) -> None:
    """Its failures are not its own, so its retries are not used up; what was said last is named."""

    async def play() -> None:
        async with Stage(server, 60, retries=3) as stage:
            server.fault = Outcome.CONNECTION
            stage.begin(1)
            await asyncio.gather(*stage.tasks)
            ((_, result),) = stage.failed
            assert result.detail.startswith(UNSENT)
            assert result.detail.endswith("the last call said: as told")

    run(play())


def test_a_probe_that_nobody_sends_is_left_to_another_worker(server: Server) -> None:
    """The one whose turn it was has given all its calls up."""

    async def play() -> None:
        async with Stage(server, 100, workers=2) as stage:
            stage.begin(4)
            server.fault = Outcome.CONNECTION
            await asyncio.gather(*stage.tasks)
            stage.begin(4, slice(1, None))
            server.fault = None
            await asyncio.sleep(90)
            assert len(stage.failed) == 8
            assert stage.state.pause is None

    run(play())


@pytest.mark.parametrize("fault", [Outcome.RATE_LIMITED, Outcome.TIMEOUT])
def test_a_run_that_stops_waits_for_nobody_who_only_rests(server: Server, fault: Outcome) -> None:
    server.capacity, server.queues, server.retry_after_s = 0, False, 120.0
    if fault is not Outcome.RATE_LIMITED:
        server.fault = fault

    async def play() -> None:
        async with Stage(server, 1800) as stage:
            stage.begin(1)
            await asyncio.sleep(1)
            begun = asyncio.get_running_loop().time()
            stage.workers[0].liaison.wallet.stop(interrupted())
            with pytest.raises(InterruptedRunError):
                await stage.tasks[0]
            assert asyncio.get_running_loop().time() - begun < 1
            assert not stage.failed, "it is left for the resume"

    run(play())


def test_what_an_endpoint_asks_for_counts_against_patience(server: Server) -> None:
    server.capacity, server.queues, server.retry_after_s = 0, False, 86400.0

    async def play() -> None:
        async with Stage(server, 600) as stage:
            stage.begin(8)
            await asyncio.gather(*stage.tasks)
            when = [at for at, _ in stage.failed]
            assert min(when) >= 600
            assert max(when) <= 600 + 140
            kept = LiveState(host="h", clock_s=0, seconds=1, planned=1, endpoints=(stage.state,))
            assert LiveState.model_validate_json(kept.model_dump_json()) == kept

    run(play())


@pytest.mark.parametrize("name", ["max_tokens", "temperature"])
def test_a_lesson_is_paid_for_by_those_under_way_alone(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Those that waited in line meanwhile are written anew; each is kept as it was sent."""
    asked: Counter[bool] = Counter()

    async def post(
        line: Line, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> CallResult:
        bad = f'"{name}"'.encode() in body
        asked[bad] += 1
        await asyncio.sleep(0.1)
        if bad:
            said = f"HTTP 400 [{name}] [unsupported_parameter]: '{name}' is not supported"
            return CallResult(outcome=Outcome.REJECTED, detail=said, latency_ms=100)
        return CallResult(outcome=Outcome.OK, text="Hello there.", latency_ms=100)

    monkeypatch.setattr("agents.line.Line.post", post)
    settings = RoleSettings(
        model="m", base_url="http://h/v1", concurrency=4, max_tokens=99, temperature=0.5
    )
    journal = MemoryJournal()

    def all_say(model: RoleModel) -> list[Awaitable[CallResult]]:
        keys = [CallKey(session=f"s{n}", draft=0, step=0, attempt=0) for n in range(64)]
        return [model.say(HELLO, key, 1) for key in keys]

    async def play() -> None:
        results = await asyncio.gather(*all_say(RoleModel(Role.CLIENT, settings, journal)))
        assert {result.outcome for result in results} == {Outcome.OK}

    run(play())
    assert asked == {True: 4, False: 64}
    run(play())
    assert asked == {True: 4, False: 64}, "a resume, which knows no lesson yet, recalls them all"
