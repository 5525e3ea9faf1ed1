"""The limit against endpoints whose capacity changes, in virtual time: no assertion is timed."""

from __future__ import annotations

import asyncio

import pytest

from domain.call import CallResult, Outcome
from domain.endpointstate import Phase
from domain.settings import RoleSettings
from engine.liaison import EVERY_S
from engine.limits.gates import Gates
from engine.limits.shares import shared_out
from tests.support.endpoints import CALL, Crowd, Figures, Server, call, figures
from tests.support.virtualtime import run

UP, DOWN = 8.0, 1 / 8


async def after_change(crowd: Crowd, factor: float) -> tuple[Figures, float]:
    """Change the capacity; return how it is used from 10 s or 30 round trips on."""
    server, loop = crowd.server, asyncio.get_running_loop()
    span = max(10.0, 30 * server.latency_s)
    await crowd.start()
    await asyncio.sleep(span)
    server.capacity = int(server.capacity * factor)
    await asyncio.sleep(span)
    begin = loop.time()
    await asyncio.sleep(span)
    found = figures(server, begin, loop.time())
    await crowd.stop()
    return found, span


@pytest.mark.parametrize("workers", [1, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("capacity", "factor"), [(8, UP), (32, UP), (32, DOWN)])
@pytest.mark.parametrize(
    ("latency_s", "sigma"), [(1.0, 0.5), pytest.param(10.0, 0.3, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("seed", [1])
def test_an_endpoint_that_refuses_is_used_up_and_seldom_refuses(
    workers: int,
    capacity: int,
    factor: float,
    latency_s: float,
    sigma: float,
    seed: int,
) -> None:
    server = Server(capacity, latency_s, queues=False, sigma=sigma, seed=seed)
    most = 2 * max(capacity, int(capacity * factor))
    found, _ = run(after_change(Crowd(server, workers, most // workers, 0.005), factor))
    assert found.share >= 0.9
    assert found.refused < 0.03


@pytest.mark.parametrize("workers", [1, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("capacity", "factor"), [(8, UP), (32, UP), (64, DOWN)])
@pytest.mark.parametrize(
    ("latency_s", "sigma"), [(1.0, 0.1), pytest.param(10.0, 0.0, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("seed", [1])
def test_an_endpoint_that_queues_is_used_up_and_answers_soon(
    workers: int, capacity: int, factor: float, latency_s: float, sigma: float, seed: int
) -> None:
    server = Server(capacity, latency_s, queues=True, sigma=sigma, seed=seed)
    most = 2 * max(capacity, int(capacity * factor))
    found, _ = run(after_change(Crowd(server, workers, most // workers, 0.005), factor))
    assert found.share >= 0.9
    assert found.latency <= 1.5


@pytest.mark.parametrize("workers", [1, 2])
def test_an_event_loop_of_ours_that_is_busy_is_not_taken_for_a_queue(workers: int) -> None:
    """Each call costs 2 ms of the loop: what it can do is less than what the endpoint could."""
    server = Server(4096, 0.1, queues=True, sigma=0.1)
    crowd = Crowd(server, workers, sessions=512 // workers, compute_s=0.002)

    async def play() -> float:
        loop = asyncio.get_running_loop()
        await crowd.start()
        await asyncio.sleep(10)
        begin, ended = loop.time(), len(server.log.answered)
        await asyncio.sleep(20)
        rate = (len(server.log.answered) - ended) / (loop.time() - begin)
        await crowd.stop()
        return rate * crowd.compute_s

    assert run(play()) >= 0.95


def test_a_queue_is_noticed_behind_a_loop_that_has_some_work() -> None:
    server = Server(32, 0.3, queues=True, sigma=0.1)
    crowd = Crowd(server, sessions=256, compute_s=0.003)
    found, _ = run(after_change(crowd, 1.0))
    assert found.share >= 0.9
    assert found.latency <= 1.5


def test_a_fast_start_waits_for_answers_and_not_for_reports() -> None:
    """4, 4 (which say what is unloaded), 8, 16 … 128: nothing is waited for but the first order."""
    latency_s = 0.3
    server = Server(4096, latency_s, queues=True)
    settings = RoleSettings(model="m", base_url="http://h/v1", concurrency=128)
    crowd = Crowd(server, sessions=256, settings=settings)

    async def play() -> int:
        await crowd.start()
        await asyncio.sleep(7 * latency_s + 1.5 * EVERY_S)
        await crowd.stop()
        return len(server.log.arrived)

    assert run(play()) >= 4 + 4 + 8 + 16 + 32 + 64 + 128


def test_the_whole_endpoint_rests_as_long_as_retry_after_says() -> None:
    server = Server(16, 0.2, queues=False)
    crowd = Crowd(server, workers=2, sessions=40)

    async def play() -> None:
        await crowd.start()
        await asyncio.sleep(10)
        server.capacity, server.retry_after_s = 0, 3.0
        await asyncio.sleep(1.5)
        first = next(at for at in server.log.refused if at > 10)
        begin = len(server.log.arrived)
        assert crowd.steward.endpoints()[0].phase in {Phase.HELD, Phase.PAUSED}
        server.capacity = 16
        await asyncio.sleep(5)
        later = server.log.arrived[begin:]
        assert later
        assert min(later) >= first + 3.0
        assert max(at for at in server.log.arrived[:begin]) < first + 0.5
        await crowd.stop()

    run(play())


@pytest.mark.parametrize("delay_s", [0.0, 0.02])
@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_sent_before_retry_after_is_over_whoever_heard_of_it(
    delay_s: float, seed: int
) -> None:
    """Reports and orders cross: a wait that was told to one must not be lost between them."""
    server = Server(16, 0.2, queues=False, sigma=0.3, seed=seed)
    crowd = Crowd(server, workers=2, sessions=40, delay_s=delay_s)

    async def play() -> None:
        await crowd.start()
        await asyncio.sleep(10)
        server.capacity, server.retry_after_s = 0, 20.0
        await asyncio.sleep(15)
        await crowd.stop()

    run(play())
    first = next(at for at in server.log.refused if at > 10)
    assert max(server.log.arrived) < first + 0.5


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.REFUSAL, Outcome.EMPTY])
def test_replies_that_come_at_once_do_not_pass_for_a_fast_endpoint(outcome: Outcome) -> None:
    """The first eight calls are refused a parameter, say, in a fiftieth of an answer's time."""

    class Objecting(Server):
        async def ask(self) -> CallResult:
            if len(self.log.arrived) >= 8:
                return await super().ask()
            self.log.arrived.append(asyncio.get_running_loop().time())
            await asyncio.sleep(0.1)
            return CallResult(outcome=outcome, detail="HTTP 400 [seed]", latency_ms=100)

    async def play(server: Server) -> int:
        crowd = Crowd(server, sessions=256, retry_s=0.0)
        await crowd.start()
        await asyncio.sleep(60)
        await crowd.stop()
        return len(server.log.answered)

    plain, objecting = (
        run(play(kind(256, 5.0, queues=True, sigma=0.3))) for kind in (Server, Objecting)
    )
    assert objecting >= 0.9 * plain


@pytest.mark.parametrize("fault", [Outcome.CONNECTION, Outcome.SERVER_ERROR, Outcome.TIMEOUT])
def test_an_endpoint_that_only_fails_is_paused_and_tried_with_single_calls(fault: Outcome) -> None:
    server = Server(16, 0.2, queues=True)
    crowd = Crowd(server, workers=2, sessions=40)

    async def play() -> None:
        await crowd.start()
        await asyncio.sleep(10)
        server.fault = fault
        await asyncio.sleep(3)
        state = crowd.steward.endpoints()[0]
        assert state.pause is not None
        assert fault.value in state.pause.why
        assert state.phase in {Phase.PAUSED, Phase.PROBING}
        before = len(server.log.arrived)
        await asyncio.sleep(30)
        assert 1 <= len(server.log.arrived) - before <= 6, "one call a probe"
        server.fault = None
        await asyncio.sleep(70)
        assert crowd.steward.endpoints()[0].pause is None
        now = asyncio.get_running_loop().time()
        assert figures(server, now - 5, now).share >= 0.9
        await crowd.stop()

    run(play())


def test_a_worker_that_dies_gives_its_part_back() -> None:
    server = Server(64, 0.5, queues=False)
    crowd = Crowd(server, workers=2, sessions=100)

    async def play() -> None:
        await crowd.start()
        await asyncio.sleep(20)
        half = crowd.gates[0].limit
        assert 20 <= half <= 45
        dead = [task for n, task in enumerate(crowd.tasks) if n >= 100]
        for task in dead:
            task.cancel()
        crowd.links[1].broken = True
        crowd.steward._endpoints.forget(1)
        await asyncio.sleep(10)
        assert crowd.gates[0].limit >= 55
        await crowd.stop()

    run(play())


def test_without_a_steward_workers_keep_their_last_orders(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = Server(32, 0.5, queues=False)
    crowd = Crowd(server, workers=1, sessions=60)

    async def play() -> None:
        await crowd.start()
        await asyncio.sleep(20)
        limit = crowd.gates[0].limit
        crowd.links[0].broken = True
        await asyncio.sleep(20)
        assert crowd.gates[0].limit == limit
        now = asyncio.get_running_loop().time()
        assert figures(server, now - 10, now).share >= 0.8
        await crowd.stop()

    run(play())
    assert "goes on by its last orders" in caplog.text


@pytest.mark.parametrize("workers", [1, 3])
def test_calls_per_minute_are_kept_and_used(workers: int) -> None:
    server = Server(64, 0.2, queues=True)
    settings = RoleSettings(model="m", base_url="http://h/v1", requests_per_minute=120)
    crowd = Crowd(server, workers, 20, settings=settings)

    async def play() -> None:
        await crowd.start()
        await asyncio.sleep(190)
        await crowd.stop()

    run(play())
    arrived = server.log.arrived
    minutes = [sum(begin <= at < begin + 60 for at in arrived) for begin in range(130)]
    assert max(minutes) <= 120
    assert min(minutes[5:]) >= 105


def test_tokens_per_minute_are_kept() -> None:
    # 400 bytes and at most 100 tokens: 200 are set aside for each call, and no usage is reported.
    server = Server(64, 0.2, queues=True)
    settings = RoleSettings(model="m", base_url="http://h/v1", tokens_per_minute=6000)
    crowd = Crowd(server, 1, 20, settings=settings)

    async def play() -> None:
        await crowd.start()
        await asyncio.sleep(130)
        await crowd.stop()

    run(play())
    minutes = [sum(begin <= at < begin + 60 for at in server.log.arrived) for begin in range(70)]
    assert 25 <= max(minutes) <= 30


def test_a_slow_endpoint_does_not_hold_up_another() -> None:
    slow, fast = Server(1, 60.0, queues=True), Server(8, 0.1, queues=True)
    crowd = Crowd(fast, sessions=20)

    async def play() -> None:
        await crowd.start()
        other = RoleSettings(model="m", base_url="http://slow/v1")
        gate = crowd.liaisons[0].gates.gate(other)
        waiting = [asyncio.create_task(call(gate, slow)) for _ in range(50)]
        await asyncio.sleep(20)
        now = asyncio.get_running_loop().time()
        assert figures(fast, now - 10, now).share >= 0.9
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await crowd.stop()

    run(play())


async def test_nobody_waits_at_a_gate_of_a_run_that_stops() -> None:
    gates = Gates()
    gate = gates.gate(RoleSettings(model="m", base_url="http://h/v1", concurrency=1))
    await gate.enter(CALL)
    waiting = asyncio.create_task(gate.enter(CALL))
    await asyncio.sleep(0)
    gates.stop(KeyError("stop"))  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        await waiting
    with pytest.raises(KeyError):
        await gate.enter(CALL)


def test_a_limit_is_shared_out_by_demand_to_the_last_place() -> None:
    for limit in range(1, 40):
        for demand in ({1: 5, 2: 0, 3: 90}, {1: 1, 2: 1}, {1: 30, 2: 30, 3: 3, 4: 1}, {1: 0}):
            parts = shared_out(limit, demand, turn=0)
            assert sum(parts.values()) == limit
            asking = [worker for worker, calls in demand.items() if calls]
            if limit >= len(asking):
                assert all(parts[worker] >= 1 for worker in asking)


def test_where_places_are_fewer_than_workers_they_take_turns() -> None:
    turns = [shared_out(1, {1: 5, 2: 5, 3: 5}, turn) for turn in range(3)]
    assert [sum(parts[worker] for parts in turns) for worker in (1, 2, 3)] == [1, 1, 1]
