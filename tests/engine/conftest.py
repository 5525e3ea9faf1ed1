"""A loopback endpoint that answers as a function of the request and logs the call keys."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from domain.call import CALL_HEADER
from tests.support.threaded import ThreadedServer

if TYPE_CHECKING:
    from collections.abc import Iterator


class Endpoint:
    def __init__(self) -> None:
        self.keys: list[str] = []
        self.latency_s = 0.0
        self.url = ""

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers[CALL_HEADER])
        body = await request.read()
        await asyncio.sleep(self.latency_s)
        return web.Response(text=f"answer {sha256(body).hexdigest()}")


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint()
    with ThreadedServer(server.app()) as running:
        server.url = f"{running.url}/"
        yield server
