from __future__ import annotations

import asyncio

import pytest

from domain.call import CallKey, Reservation, Role
from domain.settings import RoleSettings
from engine.limits.gates import EndpointGate, Gates
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
