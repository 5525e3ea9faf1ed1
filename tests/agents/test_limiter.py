from __future__ import annotations

import asyncio

import pytest

from agents.limiter import Limiter


async def stay(limiter: Limiter, inside: list[int], most: list[int]) -> None:
    async with limiter:
        inside.append(1)
        most.append(len(inside))
        await asyncio.sleep(0)
        inside.pop()


async def test_no_more_than_the_limit_are_inside() -> None:
    limiter = Limiter(9).lower(3).lower(5)
    inside: list[int] = []
    most: list[int] = []
    await asyncio.gather(*(stay(limiter, inside, most) for _ in range(50)))
    assert max(most) == 3
    assert len(most) == 50


async def test_one_who_gives_up_leaves_no_gap() -> None:
    limiter = Limiter(1)
    async with limiter:
        waiting = asyncio.create_task(stay(limiter, [], []))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await asyncio.wait_for(stay(limiter, [], []), 5)
