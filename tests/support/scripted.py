"""A scripted OpenAI-compatible endpoint: it answers as the test says and keeps what it was asked.

Names and types follow OpenAI's public API reference, "Create chat completion".
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import orjson
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MODEL = "scripted"


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    raw: bytes
    headers: dict[str, str]

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = orjson.loads(self.raw)
        return body

    @property
    def messages(self) -> list[dict[str, str]]:
        messages: list[dict[str, str]] = self.body["messages"]
        return messages

    @property
    def call(self) -> str:
        return self.headers.get("X-Rehearsal-Call", "")


@dataclass(frozen=True)
class Reply:
    """One answer as it leaves. `hang` never answers; `cut` breaks the connection off."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    cut: bool = False


def says(text: str | None, finish: str = "stop", **message: str | None) -> Reply:
    """An ordinary completion; further keys go into its message."""
    usage = {
        "prompt_tokens": 20,
        "completion_tokens": 5,
        "total_tokens": 25,
        "prompt_tokens_details": {"cached_tokens": 12},
    }
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, **message},
        "finish_reason": finish,
    }
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": MODEL}
    return Reply(orjson.dumps({**body, "choices": [choice], "usage": usage}))


def fails(
    status: int, message: str, param: str | None = None, code: str | None = None, **headers: str
) -> Reply:
    """An error body as OpenAI words it; underscores in header names become hyphens."""
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(orjson.dumps({"error": error}), status, named)


HANGS = Reply(b"", hang=True)
CUTS = Reply(b"", cut=True)


class ScriptedEndpoint:
    """A server on a free loopback port.

    Args:
        script: Called for every request; or replies in order, of which the last one repeats.
        models: What `/v1/models` lists; None answers 404 there.
        key: The key that is asked for, if any.
    """

    def __init__(
        self,
        script: Callable[[Asked], Reply] | Sequence[Reply],
        models: Sequence[str] | None = (MODEL,),
        key: str = "",
    ) -> None:
        self.asked: list[Asked] = []
        self.base_url = ""
        self.most_at_once = 0
        self._script = script
        self._models = models
        self._key = key
        self._now = 0
        self._released = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024**2)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._list)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *raised: object) -> None:
        self._released.set()
        assert self._runner is not None
        await self._runner.cleanup()

    async def _list(self, request: web.Request) -> web.Response:
        if self._refuses(request):
            return _send(fails(401, "Incorrect API key provided", code="invalid_api_key"))
        if self._models is None:
            raise web.HTTPNotFound
        listed = [{"id": name, "object": "model"} for name in self._models]
        return _send(Reply(orjson.dumps({"object": "list", "data": listed})))

    async def _chat(self, request: web.Request) -> web.Response:
        asked = Asked(await request.read(), dict(request.headers))
        if self._refuses(request):
            return _send(fails(401, f"Incorrect key: {request.headers.get('Authorization')}"))
        self.asked.append(asked)
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        await asyncio.sleep(0)
        self._now -= 1
        reply = self._next(asked)
        if reply.cut and request.transport is not None:
            request.transport.abort()
        if reply.hang:
            await self._released.wait()
        return _send(reply)

    def _next(self, asked: Asked) -> Reply:
        if callable(self._script):
            return self._script(asked)
        return self._script[min(len(self.asked), len(self._script)) - 1]

    def _refuses(self, request: web.Request) -> bool:
        return bool(self._key) and request.headers.get("Authorization") != f"Bearer {self._key}"


def _send(reply: Reply) -> web.Response:
    return web.Response(
        body=reply.body,
        status=reply.status,
        headers=reply.headers,
        content_type="application/json",
    )
