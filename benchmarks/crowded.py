"""An endpoint whose capacity changes by a factor while it is used, in a process of its own.

It refuses with 429 what is above its capacity, or lets it queue as vLLM does. Its clock starts with
the first call; `GET /log` returns what it did since then.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import subprocess
import sys
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.request import urlopen

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANSWER = orjson.dumps(
    {
        "id": "c",
        "object": "chat.completion",
        "model": "stub",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "I hear how much that weighs on you."},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 40, "completion_tokens": 10, "total_tokens": 50},
    }
)
_BUSY = orjson.dumps({"error": {"message": "too many requests", "code": "rate_limit_exceeded"}})
_REFUSAL_S = 0.002


@dataclass(frozen=True)
class Shape:
    """What an endpoint is like; seconds."""

    queues: bool
    low: int = 16
    factor: int = 8
    latency_s: float = 0.3
    sigma: float = 0.1
    """Spread of the logarithm of latency."""
    phase_s: float = 20.0
    """Low, then `factor` times as much, then low again: as long each."""

    def capacity(self, at: float) -> int:
        """Return how many calls it works on at a time, `at` seconds after the first."""
        return self.low * (self.factor if self.phase_s <= at < 2 * self.phase_s else 1)


@dataclass
class Log:
    """Seconds since the first call."""

    answered: list[tuple[float, float]] = field(default_factory=list)
    """When, and after how long."""
    refused: list[float] = field(default_factory=list)


class Crowded:
    """The endpoint."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.log = Log()
        self._began: float | None = None
        self._busy = 0
        self._line: deque[asyncio.Future[None]] = deque()
        self._dice = random.Random(7)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests, one after another."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                low = head.lower()
                at = low.find(b"content-length: ")
                if at > 0:
                    await reader.readexactly(int(low[at + 16 : low.find(b"\r\n", at)]))
                status, body = await self._reply(head)
                writer.write(
                    b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                    % (status, len(body), body)
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _reply(self, head: bytes) -> tuple[bytes, bytes]:
        if head.startswith(b"GET /log"):
            return b"200 OK", orjson.dumps(self.log)
        if head.startswith(b"GET"):
            return b"200 OK", orjson.dumps({"data": [{"id": "stub"}]})
        return (b"200 OK", _ANSWER) if await self._work() else (b"429 Too Many Requests", _BUSY)

    async def _work(self) -> bool:
        now = time.monotonic()
        if self._began is None:
            self._began = now
        if self._busy >= self.shape.capacity(now - self._began):
            if not self.shape.queues:
                await asyncio.sleep(_REFUSAL_S)
                self.log.refused.append(time.monotonic() - self._began)
                return False
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._line.append(turn)
            await turn
        else:
            self._busy += 1
        await asyncio.sleep(self.shape.latency_s * self._dice.lognormvariate(0, self.shape.sigma))
        self._busy -= 1
        done = time.monotonic()
        while self._line and self._busy < self.shape.capacity(done - self._began):
            self._busy += 1
            self._line.popleft().set_result(None)
        self.log.answered.append((done - self._began, done - now))
        return True


@contextmanager
def running(shape: Shape) -> Iterator[str]:
    """Start the endpoint on a free loopback port and yield its root."""
    command = [sys.executable, "-m", "benchmarks.crowded", orjson.dumps(shape).decode()]
    server = subprocess.Popen(  # noqa: S603 - our own module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        if server.stdout is None or not (line := server.stdout.readline()):
            raise RuntimeError("the endpoint did not start; its error stands above")
        yield f"http://127.0.0.1:{int(line)}"
    finally:
        server.terminate()
        server.communicate()


def log_of(root: str) -> Log:
    """Return what the endpoint at `root` did."""
    with urlopen(f"{root}/log", timeout=30) as reply:  # noqa: S310 - our own loopback
        return Log(**orjson.loads(reply.read()))


async def _serve(shape: Shape) -> None:
    endpoint = Crowded(shape)
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - read by our starter
    # Standard input ends when the starter does, however it ends.
    await asyncio.get_running_loop().run_in_executor(None, os.read, 0, 1)


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shape", type=orjson.loads)
    asyncio.run(_serve(Shape(**parser.parse_args().shape)))


if __name__ == "__main__":
    main()
