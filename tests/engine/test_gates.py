from __future__ import annotations

import asyncio

import pytest

from domain.call import CallKey, CallResult, Outcome, Reservation, Role, Usage
from domain.settings import RoleSettings
from engine.limits.gate import EndpointGate
from engine.limits.gates import Gates
from engine.limits.sight import Bounds

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
