"""A bare endpoint in a process of its own: it answers a chat request in microseconds.

It speaks only what is measured: HTTP/1.1 with keep-alive and `Content-Length`, one request after
another on each connection. No framework and no parser of JSON stand between the socket and the
ready-made answer, so that what a client costs is not hidden behind its server.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.request import urlopen

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.answers import Answers

_LENGTH = b"content-length: "
_READY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"


class Tally:
    """What the stub has been asked."""

    def __init__(self) -> None:
        self.calls = 0
        self.first_s = 0.0
        """Monotonic time of the first call since the last reset."""
        self.last_s = 0.0
        self.every_16th_s: list[float] = []
        self.held = 0
        """Calls that wait for their answer."""
        self.held_most = 0

    def count(self) -> None:
        """Count one call, now."""
        self.last_s = time.monotonic()
        if not self.calls:
            self.first_s = self.last_s
        if not self.calls % 16:
            self.every_16th_s.append(self.last_s)
        self.calls += 1

    def hold(self) -> None:
        """Count one call that waits."""
        self.held += 1
        self.held_most = max(self.held_most, self.held)

    def show(self, *, forget: bool) -> bytes:
        """Return the tally as JSON, and begin anew where asked to."""
        shown = orjson.dumps(vars(self))
        if forget:
            self.__init__()  # type: ignore[misc]
        return shown


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, answers: Answers, tally: Tally, latency_s: float) -> None:
        self._answers = answers
        self._tally = tally
        self._latency_s = latency_s
        self._loop = asyncio.get_running_loop()
        self._read = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._read = self._read + data if self._read else data
        while (end := self._read.find(b"\r\n\r\n") + 4) > 3:
            head = self._read[:end].lower()
            at = head.find(_LENGTH)
            length = int(head[at + len(_LENGTH) : head.find(b"\r\n", at)]) if at > 0 else 0
            if len(self._read) < end + length:
                return
            body, self._read = self._read[end : end + length], self._read[end + length :]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"get "):
            self._send(self._page(head.split(b" ", 2)[1]))
            return
        self._tally.count()
        answer = self._answers.to(head, body)
        if self._latency_s:
            self._tally.hold()
            self._loop.call_later(self._latency_s, self._let_go, answer)
        else:
            self._send(answer)

    def _let_go(self, answer: bytes) -> None:
        self._tally.held -= 1
        self._send(answer)

    def _page(self, path: bytes) -> bytes:
        if path == b"/v1/models":
            from benchmarks.answers import MODELS

            models = [{"id": name, "object": "model"} for name in MODELS]
            return orjson.dumps({"object": "list", "data": models})
        return self._tally.show(forget=path == b"/reset")

    def _send(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_READY % (len(answer), answer))


class Stub:
    """A running stub, as its clients know it."""

    def __init__(self, port: int, pid: int) -> None:
        self.root = f"http://127.0.0.1:{port}"
        self.base_url = f"{self.root}/v1"
        self.pid = pid

    def reset(self) -> None:
        """Count from zero."""
        self._get("reset")

    def tally(self) -> Tally:
        """Return what has been asked since the last reset."""
        tally = Tally()
        vars(tally).update(orjson.loads(self._get("tally")))
        return tally

    def _get(self, page: str) -> bytes:
        with urlopen(f"{self.root}/{page}", timeout=30) as reply:  # noqa: S310 - our own loopback
            return bytes(reply.read())


@contextmanager
def running_stub(revisions: int, latency_s: float = 0.0, *, spoil: bool = False) -> Iterator[Stub]:
    """Start a stub on a free loopback port; it ends with the block, or with this process.

    Args:
        revisions: How many drafts of each session are sent back.
        latency_s: How long every answer is held.
        spoil: Whether the first attempt at every critique breaks the schema.
    """
    command = [sys.executable, "-m", "benchmarks.stub", str(revisions), str(latency_s)]
    server = subprocess.Popen(  # noqa: S603 - our own module
        [*command, *(["--spoil"] if spoil else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        if server.stdout is None or not (line := server.stdout.readline()):
            raise RuntimeError("the stub did not start; its error stands above")
        yield Stub(int(line), server.pid)
    finally:
        server.terminate()
        server.communicate()


async def _serve(answers: Answers, latency_s: float) -> None:
    loop = asyncio.get_running_loop()
    tally = Tally()
    server = await loop.create_server(
        lambda: Connection(answers, tally, latency_s), "127.0.0.1", 0, backlog=4096
    )
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - read by our starter
    # Standard input ends when the starter does, however it ends.
    await loop.run_in_executor(None, os.read, 0, 1)
    server.close()


def main() -> None:
    """Serve until standard input ends."""
    from benchmarks.answers import Answers

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revisions", type=int)
    parser.add_argument("latency_s", type=float)
    parser.add_argument("--spoil", action="store_true")
    asked = parser.parse_args()
    answers = Answers(asked.revisions, spoil=asked.spoil)
    asyncio.run(_serve(answers, asked.latency_s))


if __name__ == "__main__":
    main()
