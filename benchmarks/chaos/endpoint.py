"""The endpoint of the kills: a process of its own that answers, keeps account, and shoots.

Answers are the understudy's, a function of the request's body. Each life of a run has an address
of its own, `http://host:port/RUN/LIFE/v1`, so that what outlives its driver is known from what came
after. Each run has an account, `RUN.jsonl`: one line per call received and one per call answered,
in that order. A call whose caller is gone is answered all the same: a model's time is paid for
whether or not anybody reads.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from domain.call import CALL_HEADER
from understudy.completion import complete
from understudy.faults import FaultSettings
from understudy.handlers import Understudy
from understudy.models import answer
from understudy.request import parse_request
from understudy.requestlog import RequestLog

if TYPE_CHECKING:
    from io import FileIO

_QUIET_S = 0.003
"""How long nothing may be under way for a killed run to count as settled."""

_PARENT_EVERY_S = 0.5


@dataclass
class Shot:
    """When to kill whom: at the `call`-th call from now on, or `delay_s` after being armed."""

    pid: int
    at: str
    """received, answered or time."""
    call: int = 0
    delay_s: float = 0.0
    """Seconds between the moment and the kill."""
    signal: int = signal.SIGKILL


@dataclass
class Target:
    """One life of a run, seen from the endpoint."""

    account: FileIO
    life: int
    under_way: int = 0
    counted: dict[str, int] = field(default_factory=lambda: {"received": 0, "answered": 0})
    shot: Shot | None = None

    def note(self, event: str, call: str, body: str) -> None:
        """Write one line, and shoot where this is the moment."""
        line = {"event": event, "life": self.life, "call": call, "body": body}
        self.account.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        self.counted[event] += 1
        shot = self.shot
        if shot is not None and shot.at == event and self.counted[event] == shot.call:
            _shoot(shot)

    def arm(self, shot: Shot) -> None:
        """Take aim; calls are counted anew."""
        self.counted = {"received": 0, "answered": 0}
        self.shot = shot
        if shot.at == "time":
            _shoot(shot)


def _shoot(shot: Shot) -> None:
    if shot.delay_s:
        asyncio.get_running_loop().call_later(shot.delay_s, _kill, shot)
    else:
        _kill(shot)


def _kill(shot: Shot) -> None:
    """The harness has not yet waited for the process, so its number cannot be another's."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(shot.pid, shot.signal)


class Range:
    """The server: runs, their accounts, and the answers already given."""

    def __init__(self, folder: Path, faults: FaultSettings) -> None:
        self._folder = folder
        self._faults = faults
        self._understudy = Understudy(faults, RequestLog(None), token=None)
        self._targets: dict[tuple[str, int], Target] = {}
        self._answers: dict[str, bytes] = {}

    def app(self) -> web.Application:
        """Return the application with its routes."""
        app = web.Application(client_max_size=2**25)
        app.router.add_post("/{run}/{life}/v1/chat/completions", self.chat)
        app.router.add_get("/{run}/{life}/v1/models", self._understudy.models)
        app.router.add_post("/{run}/{life}/arm", self.arm)
        app.router.add_post("/{run}/{life}/settle", self.settle)
        return app

    def _target(self, request: web.Request) -> Target:
        run, life = request.match_info["run"], int(request.match_info["life"])
        if (run, life) not in self._targets:
            account = (self._folder / f"{run}.jsonl").open("ab", buffering=0)
            self._targets[run, life] = Target(account, life)
        return self._targets[run, life]

    async def arm(self, request: web.Request) -> web.Response:
        """Take a `Shot` as JSON."""
        self._target(request).arm(Shot(**await request.json()))
        return web.Response(text="ready")

    async def settle(self, request: web.Request) -> web.Response:
        """Wait until the killed life's last calls are answered."""
        target, since = self._target(request), asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - since < _QUIET_S:
            await asyncio.sleep(_QUIET_S / 3)
            if target.under_way:
                since = asyncio.get_running_loop().time()
        target.shot = None
        return web.Response(text="settled")

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Answer one call, and account for it before and after."""
        target, body = self._target(request), await request.read()
        call, digest = request.headers.get(CALL_HEADER, ""), hashlib.sha256(body).hexdigest()
        target.under_way += 1
        target.note("received", call, digest)
        try:
            return await self._answer(request, body, call or digest)
        finally:
            target.under_way -= 1
            target.note("answered", call, digest)

    async def _answer(self, request: web.Request, body: bytes, key: str) -> web.StreamResponse:
        if self._faults.draw(key) is not None:
            return await self._understudy.chat(request)
        await asyncio.sleep(self._faults.delay_s(key))
        response = web.Response(body=self._whole(body), content_type="application/json")
        with contextlib.suppress(
            ConnectionError
        ):  # the caller is gone; it is paid for all the same
            await response.prepare(request)
            await response.write_eof()
        return response

    def _whole(self, body: bytes) -> bytes:
        """Return the answer to `body`; each is worked out once."""
        digest = hashlib.sha256(body).hexdigest()
        if digest not in self._answers:
            asked = parse_request(body)
            self._answers[digest] = complete(asked, answer(asked), None).whole()
        return self._answers[digest]


async def _serve(folder: Path, announce: Path, faults: FaultSettings, parent: int) -> None:
    runner = web.AppRunner(Range(folder, faults).app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=2048).start()
    fresh = announce.with_suffix(".new")
    fresh.write_text(f"http://127.0.0.1:{runner.addresses[0][1]}")
    fresh.replace(announce)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    while os.getppid() == parent and not ended.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), _PARENT_EVERY_S)
    await runner.cleanup()


def main() -> None:
    """Serve until the parent is gone."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("announce", type=Path)
    parser.add_argument("faults")
    given = parser.parse_args()
    faults = FaultSettings.model_validate_json(given.faults)
    asyncio.run(_serve(given.folder, given.announce, faults, os.getppid()))


if __name__ == "__main__":
    main()
