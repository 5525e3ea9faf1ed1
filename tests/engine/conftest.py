"""A loopback endpoint that answers as a function of the request and logs the call keys."""

from __future__ import annotations

import asyncio
import threading
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from domain.call import CALL_HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator


class Endpoint:
    def __init__(self) -> None:
        self.keys: list[str] = []
        self.latency_s = 0.0
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    async def answer(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers[CALL_HEADER])
        body = await request.read()
        await asyncio.sleep(self.latency_s)
        return web.Response(text=f"answer {sha256(body).hexdigest()}")

    async def _start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/", self.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        return runner

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint()
    server.start()
    yield server
    server.stop()
