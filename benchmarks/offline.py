"""The understudy itself: answers per second and core, by its functions and over HTTP.

What it is asked comes from a campaign that it played: every request is used once in each process,
so that no answer is found in a cache that a real campaign would not have filled.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import aiohttp
import orjson
import psutil

from benchmarks.campaign import scratch
from benchmarks.meter import Lap, measured
from campaigns.run import run_campaign
from domain.progress import silent
from domain.settings import Settings
from engine.ledger.store import Store
from understudy.completion import complete
from understudy.models import answer
from understudy.request import parse_request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXCHANGES = 20
"""A session of 40 turns."""
SPOKEN, CRITIQUES = "spoken", "critiques"
_AT_ONCE = 32


def record_understudy(sessions: int, tape: Path) -> None:
    """Let the understudy play a campaign; keep its requests by kind, session by session."""
    with serving() as (base_url, _), scratch() as folder:
        settings = Settings.model_validate(
            {
                "name": "bench",
                "endpoint": {"base_url": base_url},
                "engine": {"kind": "inline"},
                "campaign": {"sessions": sessions, "exchanges": EXCHANGES, "revisions": 0},
            }
        )
        run_campaign(settings, folder, silent)
        store = Store(folder.ledger)
        calls = [store.calls(name) for name in store.sessions()]
    kept = [
        {
            SPOKEN: [row.request.decode() for row in rows if row.role.value != "supervisor"],
            CRITIQUES: [row.request.decode() for row in rows if row.role.value == "supervisor"],
        }
        for rows in calls
    ]
    tape.write_bytes(orjson.dumps(kept))


class UnderstudyLane:
    """Laps over a part of the tape that no earlier lap has used.

    Args:
        tape: As `record_understudy` leaves it.
        http: Whether a server is asked, whose CPU is measured; else its functions are called here.
        parts: How many laps the tape is divided into; one more goes to warming up.
    """

    def __init__(self, tape: Path, parts: int, http: bool) -> None:
        sessions = orjson.loads(tape.read_bytes())
        size = len(sessions) // (parts + 1)
        self._parts = [sessions[at * size : (at + 1) * size] for at in range(parts + 1)]
        self._http = http
        self._serving = serving()
        if http:
            self._base_url, self._server = self._serving.__enter__()
        self._taken = {SPOKEN: 0, CRITIQUES: 0}
        for kind in (SPOKEN, CRITIQUES):
            self.lap(kind)

    def lap(self, kind: str) -> Lap:
        """Answer everything of `kind` in the next part of the tape."""
        part = self._parts[self._taken[kind]]
        self._taken[kind] += 1
        bodies = [body.encode() for session in part for body in session[kind]]
        return asyncio.run(self._ask(bodies)) if self._http else _answer(bodies)

    async def _ask(self, bodies: list[bytes]) -> Lap:
        left = iter(bodies)
        headers = {"Content-Type": "application/json"}
        process = psutil.Process(self._server)
        before = process.cpu_times()

        async def work(http: aiohttp.ClientSession) -> None:
            for body in left:
                url = f"{self._base_url}/chat/completions"
                async with http.post(url, data=body, headers=headers) as reply:
                    reply.raise_for_status()
                    await reply.read()

        with measured(len(bodies)) as lap:
            async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
                for _ in range(_AT_ONCE):
                    group.create_task(work(http))
        after = process.cpu_times()
        lap.cpu_s = after.user + after.system - before.user - before.system
        return lap


def _answer(bodies: list[bytes]) -> Lap:
    """Answer as the server does: read the request, find the words, write the body."""
    with measured(len(bodies)) as lap:
        for body in bodies:
            asked = parse_request(body)
            complete(asked, answer(asked), None).whole()
    return lap


@contextmanager
def serving() -> Iterator[tuple[str, int]]:
    """Start an understudy; yield its base URL and process id. It ends with this process."""
    program = (
        "from understudy.server import serve\n"
        f"serve(parent={os.getpid()}, announce=lambda url: print(url, flush=True))"
    )
    server = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-c", program], stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        if server.stdout is None or not (line := server.stdout.readline()):
            raise RuntimeError("the understudy did not start; its error stands above")
        yield line.decode().strip(), server.pid
    finally:
        server.terminate()
        server.communicate()
