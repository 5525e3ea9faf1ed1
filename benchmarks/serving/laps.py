"""Clients that ask a running server, and what it costs to answer them."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import psutil

from benchmarks.serving.bases import ADAPTERS
from evaluation.candidates.key import KEY_ENV
from training.primer.primer import talks

if TYPE_CHECKING:
    from collections.abc import Sequence

CLIENTS = 8
EACH = 1
"""Requests of one client in a lap."""
TOKENS = 60
"""Longest answer: the default of `evaluation.max_new_tokens`."""
TURNS = 5
"""Turns of conversation before the answer."""


@dataclass(frozen=True)
class Lap:
    """One pass of all clients."""

    wall_s: float
    cpu_s: float
    """Of the server's process."""
    tokens: int
    """Tokens that were answered."""
    answers: dict[int, tuple[str, ...]]
    """Texts by client: the same in every lap, or company has changed them."""


def requests(client: int) -> list[dict[str, Any]]:
    """Return what one client asks; clients go to the adapters in turn."""
    return [
        {
            "model": ADAPTERS[client % len(ADAPTERS)],
            "messages": [dict(message) for message in _talk(client * EACH + number)],
            "max_tokens": TOKENS,
            "temperature": 0.7,
            "seed": client * EACH + number,
        }
        for number in range(EACH)
    ]


def _talk(seed: int) -> list[Any]:
    """Return a conversation that ends with the client's words."""
    said = talks(seed + 1, 1)[0][:TURNS]
    return said[:-1] if said[-1]["role"] == "assistant" else said


async def lap(url: str, groups: Sequence[Sequence[int]], pid: int) -> Lap:
    """Let each group's clients ask at the same time, one group after the other."""
    server = psutil.Process(pid)
    headers = {"Authorization": f"Bearer {os.environ[KEY_ENV]}"}
    answers: dict[int, list[dict[str, Any]]] = {}
    async with aiohttp.ClientSession(headers=headers) as session:
        cpu, wall = _cpu_s(server), time.perf_counter()
        for group in groups:
            told = await asyncio.gather(*(_ask(session, url, client) for client in group))
            answers.update(zip(group, told, strict=True))
        wall, cpu = time.perf_counter() - wall, _cpu_s(server) - cpu
    return Lap(
        wall_s=wall,
        cpu_s=cpu,
        tokens=sum(
            body["usage"]["completion_tokens"] for bodies in answers.values() for body in bodies
        ),
        answers={
            client: tuple(body["choices"][0]["message"]["content"] for body in bodies)
            for client, bodies in answers.items()
        },
    )


async def _ask(session: aiohttp.ClientSession, url: str, client: int) -> list[dict[str, Any]]:
    found = []
    for body in requests(client):
        async with session.post(f"{url}/chat/completions", json=body) as response:
            response.raise_for_status()
            found.append(await response.json())
    return found


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
