from __future__ import annotations

import asyncio

import pytest

from domain.call import CallKey, CallResult, Outcome, Reservation, Role, Usage
from domain.endpointstate import Phase
from domain.settings import RoleSettings
from engine.limits.closing import LONGEST_S
from engine.limits.endpoints import Endpoints
from engine.limits.gate import EndpointGate
from engine.limits.gates import Gates
from engine.limits.sight import Bounds, Order, Seen
from tests.support.virtualtime import run

CALL = Reservation(CallKey(session="s", draft=0, step=0, attempt=0), Role.CLIENT, "m", 10, 10)


async def stay(gate: EndpointGate, inside: list[int], most: list[int]) -> None:
    await gate.enter(CALL)
    inside.append(1)
    most.append(len(inside))
    await asyncio.sleep(0)
    inside.pop()
    gate.leave(CALL, None)


async def test_no_more_than_the_limit_are_inside() -> None:
    gates = Gates()
    for limit in (9, 3, 5):
        gate = gates.gate(RoleSettings(model="m", base_url="http://h/v1", concurrency=limit))
    inside: list[int] = []
    most: list[int] = []
    await asyncio.gather(*(stay(gate, inside, most) for _ in range(50)))
    assert max(most) == 3
    assert len(most) == 50


async def test_one_who_gives_up_leaves_no_gap() -> None:
    gate = EndpointGate(Bounds(1), 1)
    await gate.enter(CALL)
    waiting = asyncio.create_task(stay(gate, [], []))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.leave(CALL, None)
    await asyncio.wait_for(stay(gate, [], []), 5)


def failed(outcome: Outcome, detail: str = "") -> CallResult:
    return CallResult(outcome=outcome, text="", detail=detail, usage=Usage(), latency_ms=3.0)


async def fail(gate: EndpointGate, session: str, result: CallResult) -> bool:
    """Let a call of `session` fail; return whether it is excused."""
    call = CALL._replace(key=CALL.key.model_copy(update={"session": session}))
    await gate.enter(call)
    gate.leave(call, result)
    return gate.excuses(result)


async def test_a_request_that_breaks_the_endpoint_is_not_excused_for_ever() -> None:
    """Twenty failures of one session: others may well be answered, so its retries are used up."""
    gate = EndpointGate(Bounds(4), 4)
    broken = failed(Outcome.SERVER_ERROR, "HTTP 500")
    assert not any([await fail(gate, "one", broken) for _ in range(20)])


async def test_an_endpoint_that_fails_everybody_is_waited_for() -> None:
    gate = EndpointGate(Bounds(4), 4)
    broken = failed(Outcome.SERVER_ERROR, "HTTP 500")
    excused = [await fail(gate, session, broken) for session in ("one", "two", "one", "two", "one")]
    assert excused == [False, False, False, True, True]


async def test_an_endpoint_that_is_not_there_is_waited_for_by_one_session_alone() -> None:
    gate = EndpointGate(Bounds(4), 4)
    gone = failed(Outcome.CONNECTION)
    assert [await fail(gate, "one", gone) for _ in range(4)][-1]


def refused(retry_after_s: float) -> CallResult:
    return CallResult(
        outcome=Outcome.RATE_LIMITED, detail="HTTP 429", retry_after_s=retry_after_s, latency_ms=3
    )


def test_an_order_leaves_a_wait_that_it_does_not_know_of() -> None:
    """The refusal came while the report was on its way: the order is no answer to it."""

    async def play() -> None:
        gate = EndpointGate(Bounds(4), 4)
        loop = asyncio.get_running_loop()
        await gate.enter(CALL)
        gate.report()
        gate.leave(CALL, refused(30.0))
        gate.obey(Order(4))
        entered = asyncio.create_task(gate.enter(CALL))
        await asyncio.sleep(1)
        assert not entered.done()
        told = gate.report()
        assert told.retry_after_s == pytest.approx(29.0)
        assert told.refused == 1
        gate.obey(Order(4, closed_s=5.0))  # the steward, who sees all workers, knows better
        await entered
        assert loop.time() == pytest.approx(6.0)

    run(play())


def test_a_wait_of_a_day_is_kept_for_an_hour_where_no_steward_answers() -> None:
    async def play() -> None:
        gate = EndpointGate(Bounds(4), 4)
        await gate.enter(CALL)
        gate.leave(CALL, refused(86400.0))
        gate.report()
        gate.carry_on()
        await gate.enter(CALL)
        assert asyncio.get_running_loop().time() == pytest.approx(LONGEST_S)

    run(play())


def test_a_wait_of_a_day_is_shown_as_that_and_kept_for_an_hour() -> None:
    endpoints, bounds = Endpoints(), Bounds(4)
    told = Seen(bounds, demand=4, refused=4, failed=4, trailing=4, retry_after_s=86400.0)
    assert endpoints.exchange(1, {"http://h/v1": told}, 100.0)["http://h/v1"].closed_s == LONGEST_S
    (state,) = endpoints.states(110.0)
    assert state.phase is Phase.HELD
    assert state.pause is not None
    assert (state.pause.asked_s, state.pause.since_s) == (86390.0, 10.0)
    assert state.pause.probe_in_s == LONGEST_S - 10
    quiet = Seen(bounds, demand=4)
    order = endpoints.exchange(1, {"http://h/v1": quiet}, 101.0 + LONGEST_S)["http://h/v1"]
    assert (order.closed_s, order.silent_s) == (0.0, 0.0)
    assert endpoints.states(101.0 + LONGEST_S)[0].pause is None


def test_a_paused_endpoint_is_not_tried_before_it_asks_to_be() -> None:
    """It said so before the pause began, and no failure since has said it again."""
    endpoints, bounds = Endpoints(), Bounds(4)

    def tell(now: float, **seen: float) -> Order:
        one = Seen(bounds, demand=4, **seen)  # type: ignore[arg-type]
        return endpoints.exchange(1, {"http://h/v1": one}, now)["http://h/v1"]

    assert tell(0.0, refused=2, failed=2, trailing=2, retry_after_s=20.0).closed_s == 20.0
    assert tell(0.1, failed=4, trailing=4).failing
    assert tell(5.0).limit == 0
    assert tell(20.1).limit == 1


def test_a_worker_whose_calls_have_had_enough_makes_the_last_try_at_once() -> None:
    """The pause between probes has grown to half a minute by then; one try does for all workers."""
    endpoints, bounds = Endpoints(), Bounds(4)

    def tell(worker: int, now: float, **seen: float) -> Order:
        one = Seen(bounds, demand=4, **seen)  # type: ignore[arg-type]
        return endpoints.exchange(worker, {"http://h/v1": one}, now)["http://h/v1"]

    assert tell(1, 0.0, failed=5, trailing=5).failing
    now = 0.0
    for pause in (1, 2, 4, 8, 16):
        now += pause
        assert tell(1, now).limit == 1
        tell(1, now, failed=1, trailing=1)
    assert tell(1, 60.0).limit == 0
    assert tell(2, 60.0, overdue_s=0.0).limit == 1
    assert tell(1, 60.1, overdue_s=0.1).limit == 0
    order = tell(2, 61.0, failed=1, trailing=1, overdue_s=1.0)
    assert (order.limit, order.tried_s, order.silent_s) == (0, 1.0, 61.0)
    assert tell(1, 61.0, overdue_s=1.0).limit == 0, "it has not heard of it, or not in time"
    assert tell(1, 70.0, overdue_s=2.0).limit == 1, "one that had enough since then"


def test_there_is_no_last_try_of_one_that_asks_to_be_left_alone() -> None:
    endpoints, bounds = Endpoints(), Bounds(4)
    asked = Seen(bounds, demand=4, refused=5, failed=5, trailing=5, retry_after_s=90.0)
    assert endpoints.exchange(1, {"http://h/v1": asked}, 0.0)["http://h/v1"].failing
    enough = Seen(bounds, demand=4, overdue_s=0.0)
    order = endpoints.exchange(1, {"http://h/v1": enough}, 60.0)["http://h/v1"]
    assert (order.limit, order.tried_s) == (0, 0.0)


async def test_any_reply_says_that_the_endpoint_is_there_and_few_say_how_fast_it_is() -> None:
    gate = EndpointGate(Bounds(4), 4)
    for outcome in set(Outcome) - {Outcome.INVALID}:
        await gate.enter(CALL)
        gate.leave(CALL, failed(outcome))
    seen = gate.report()
    assert seen.answers == {Role.CLIENT: 2}, "ok and truncated"
    assert seen.timings[Role.CLIENT].n == 2
    assert seen.failed == 4
    assert seen.answered == len(Outcome) - 1 - seen.failed


async def test_a_run_that_stops_ends_every_rest() -> None:
    gate = EndpointGate(Bounds(4), 4)
    await gate.rest(0)
    resting = [asyncio.create_task(gate.rest(3600)) for _ in range(3)]
    await asyncio.sleep(0)
    gate.stop(KeyError("stop"))  # type: ignore[arg-type]
    ended = await asyncio.gather(*resting, gate.rest(3600), return_exceptions=True)
    assert [type(error) for error in ended] == [KeyError] * 4
