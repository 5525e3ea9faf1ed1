"""The unit of every figure: a plain asyncio loop over aiohttp and orjson.

It sends what the engine sends, session by session, as many at a time, and takes the text out of
each answer. It keeps nothing, checks nothing but the status, and would lose everything.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson

from benchmarks.meter import Lap, measured

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Session = list[dict[str, Any]]
"""The bodies of one session, in the order in which they are sent."""


def read_tape(path: Path) -> list[Session]:
    """Return the recorded sessions' bodies as objects, as a caller would have them."""
    return [[orjson.loads(body) for body in session] for session in orjson.loads(path.read_bytes())]


class RawLane:
    """Laps of the plain loop; the first, uncounted, warms it."""

    def __init__(self, base_url: str, tape: Path, in_flight: int) -> None:
        self._url = f"{base_url}/chat/completions"
        self._sessions = read_tape(tape)
        self._in_flight = in_flight
        self.lap()

    def lap(self) -> Lap:
        """Send every recorded session once; return the cost."""
        with measured(sum(map(len, self._sessions))) as lap:
            asyncio.run(self._run())
        return lap

    async def _run(self) -> None:
        left = iter(self._sessions)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as http, asyncio.TaskGroup() as group:
            for _ in range(self._in_flight):
                group.create_task(self._play(http, left))

    async def _play(self, http: aiohttp.ClientSession, left: Iterator[Session]) -> None:
        headers = {"Content-Type": "application/json"}
        for session in left:
            for body in session:
                async with http.post(self._url, data=orjson.dumps(body), headers=headers) as reply:
                    answer = orjson.loads(await reply.read())
                    if reply.status != 200 or not answer["choices"][0]["message"]["content"]:
                        raise RuntimeError(f"the stub answered {reply.status}: {answer}")
