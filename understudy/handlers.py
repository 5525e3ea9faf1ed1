"""The OpenAI-compatible HTTP interface in front of the role players."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from domain.call import CALL_HEADER
from understudy.apierror import ApiError
from understudy.completion import Completion, complete
from understudy.faults import Fault
from understudy.mischief import ON_THE_WAY, send, spoil
from understudy.models import MODELS, answer, role_of
from understudy.request import ChatRequest, parse_request

if TYPE_CHECKING:
    from understudy.faults import FaultSettings
    from understudy.requestlog import RequestLog

LARGEST_BODY = 32 * 2**20
"""Bytes; a request beyond is refused with 413."""
HANG_S = 3600.0
"""Seconds that a hanging call is held open; its caller gives up long before."""

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Understudy:
    """Answers chat requests; one per server.

    Args:
        faults: What is done to requests on purpose.
        log: Where requests are accounted for.
        token: What `Authorization: Bearer` must carry; None lets everybody in.
    """

    def __init__(self, faults: FaultSettings, log: RequestLog, token: str | None) -> None:
        self.faults = faults
        self.log = log
        self.token = token
        self.honest = not any(faults.rate(fault) for fault in Fault)

    def app(self) -> web.Application:
        """Return the application with its routes."""
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[_in_openais_words])
        app.router.add_post("/v1/chat/completions", self.chat)
        app.router.add_get("/v1/models", self.models)
        app.router.add_get("/v1/models/{model}", self.model)
        app.router.add_get("/health", self.health)
        return app

    async def health(self, request: web.Request) -> web.Response:
        """Say that the server is up; no token is asked for."""
        return _json({"status": "ok"})

    async def models(self, request: web.Request) -> web.Response:
        """List the models."""
        self._admit(request)
        return _json({"object": "list", "data": [_model(name) for name in MODELS]})

    async def model(self, request: web.Request) -> web.Response:
        """Describe one model."""
        self._admit(request)
        name = request.match_info["model"]
        role_of(name)
        return _json(_model(name))

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Answer one chat request, or fail as the settings say."""
        body = await request.read()
        call = request.headers.get(CALL_HEADER, "")
        asked, fault = self._receive(request, body, call)
        key = call or _digest(body)
        if fault is Fault.HANG:
            await asyncio.sleep(HANG_S)
        delay = self.faults.delay_s(key)
        if delay:
            await asyncio.sleep(delay)
        if fault is Fault.RATE_LIMITED:
            return self._rate_limited()
        if fault is Fault.SERVER_ERROR:
            raise ApiError("The server had an error.", status=500, kind="server_error")
        finished = complete(asked, answer(asked), fault)
        if asked.stream:
            return await _stream(request, asked, finished, fault)
        if fault in ON_THE_WAY:
            return await send(request, finished.whole(), fault)
        whole = spoil(finished.whole(), fault, key)
        return web.Response(body=whole, content_type="application/json")

    def _receive(
        self, request: web.Request, body: bytes, call: str
    ) -> tuple[ChatRequest, Fault | None]:
        """Admit, read and log a request; what is refused is logged as well."""
        model = ""
        try:
            self._admit(request)
            asked = parse_request(body)
            model = asked.model
            role_of(model)
        except ApiError as error:
            self.log.write(call, model, body, error.code or error.kind)
            raise
        fault = None if self.honest else self.faults.draw(call or _digest(body))
        self.log.write(call, model, body, fault.value if fault else "ok")
        return asked, fault

    def _admit(self, request: web.Request) -> None:
        if self.token is None:
            return
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        known = hmac.compare_digest(given.strip().encode(), self.token.encode())
        if scheme.lower() != "bearer" or not known:
            raise ApiError(
                "Incorrect API key provided." if given else "You didn't provide an API key.",
                status=401,
                code="invalid_api_key",
            )

    def _rate_limited(self) -> web.Response:
        error = ApiError(
            "Rate limit reached.", status=429, kind="requests", code="rate_limit_exceeded"
        )
        wait = self.faults.retry_after_s
        headers = {"Retry-After": str(math.ceil(wait)), "retry-after-ms": str(int(wait * 1000))}
        return _json(error.body(), error.status, headers)


def _digest(body: bytes) -> str:
    """Stand in for the key of a call that names none."""
    return hashlib.sha256(body).hexdigest()


async def _stream(
    request: web.Request, asked: ChatRequest, finished: Completion, fault: Fault | None
) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
    )
    await response.prepare(request)
    for number, chunk in enumerate(finished.chunks(include_usage=asked.include_usage)):
        if fault is Fault.MALFORMED and number:
            await response.write(chunk[: len(chunk) // 2] + b"\n\n")
            break
        await response.write(chunk)
    await response.write_eof()
    return response


def _json(value: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=orjson.dumps(value), status=status, headers=headers, content_type="application/json"
    )


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "rehearsal"}


@web.middleware
async def _in_openais_words(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Give every error, aiohttp's own included, the body of OpenAI's API."""
    try:
        return await handler(request)
    except ApiError as error:
        return _json(error.body(), error.status)
    except web.HTTPException as error:
        refused = ApiError(f"{error.reason}: {request.method} {request.path}", status=error.status)
        return _json(refused.body(), error.status)
