"""The OpenAI-compatible HTTP server in front of the role players."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import ipaddress
import math
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from domain.call import CALL_HEADER
from domain.errors import ConfigError, EndpointError
from understudy.apierror import ApiError
from understudy.completion import Completion, complete
from understudy.faults import Fault, FaultSettings
from understudy.mischief import ON_THE_WAY, send, spoil
from understudy.models import MODELS, answer, role_of
from understudy.request import ChatRequest, parse_request
from understudy.requestlog import RequestLog

if TYPE_CHECKING:
    from pathlib import Path

LARGEST_BODY = 32 * 2**20
"""Bytes; a request beyond is refused with 413."""
HANG_S = 3600.0
"""Seconds that a hanging call is held open; its caller gives up long before."""
PARENT_EVERY_S = 1.0

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
        fault = self.faults.draw(call or _digest(body))
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


@dataclass(frozen=True)
class Running:
    """A server that listens. `base_url` is what a client's `base_url` is set to."""

    base_url: str
    port: int
    runner: web.AppRunner
    log: RequestLog

    async def close(self) -> None:
        """Stop listening, end what hangs, close the log."""
        await self.runner.cleanup()
        self.log.close()


async def start(
    host: str = "127.0.0.1",
    port: int = 0,
    faults: FaultSettings | None = None,
    log_path: Path | None = None,
    token: str | None = None,
) -> Running:
    """Start a server in this event loop.

    Args:
        host: Address to listen at; beyond loopback a token is required.
        port: Port to listen at; 0 takes a free one.
        faults: What is done to requests on purpose; None does nothing.
        log_path: File that gets one JSON line per chat request; None keeps no log.
        token: The API key that callers must send; None lets everybody in.

    Raises:
        ConfigError: `host` is beyond loopback and there is no token.
        EndpointError: The port is in use or may not be used.
        StoreError: The log cannot be opened.
    """
    _check_exposure(host, token)
    log = RequestLog(log_path)
    app = Understudy(faults or FaultSettings(), log, token).app()
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=2048)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        log.close()
        raise EndpointError(
            "the understudy cannot listen there",
            where=f"{host}:{port}",
            expected="a free port on an address of this machine",
            got=error.strerror or str(error),
            mend="Choose another --port; 0 takes a free one.",
        ) from error
    chosen = int(runner.addresses[0][1])
    shown = f"[{host}]" if ":" in host else host
    return Running(f"http://{shown}:{chosen}/v1", chosen, runner, log)


def _check_exposure(host: str, token: str | None) -> None:
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback and not token:
        raise ConfigError(
            "listening beyond loopback needs a token",
            where=f"--host {host}",
            expected="a token that callers send as their API key",
            got="none",
            mend="Set REHEARSAL_TOKEN, or leave --host at 127.0.0.1.",
        )


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    faults: FaultSettings | None = None,
    log_path: Path | None = None,
    token: str | None = None,
    announce: Callable[[str], None] | None = None,
    parent: int | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; blocks.

    Args:
        host: As for `start`.
        port: As for `start`.
        faults: As for `start`.
        log_path: As for `start`.
        token: As for `start`.
        announce: Called with the base URL once the server listens.
        parent: Process id; the server ends when that process is gone.

    Raises:
        RehearsalError: As for `start`.
    """
    asyncio.run(_serve(host, port, faults, log_path, token, announce, parent))


async def _serve(
    host: str,
    port: int,
    faults: FaultSettings | None,
    log_path: Path | None,
    token: str | None,
    announce: Callable[[str], None] | None,
    parent: int | None,
) -> None:
    running = await start(host, port, faults, log_path, token)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError):
            loop.add_signal_handler(number, ended.set)
    try:
        if announce is not None:
            announce(running.base_url)
        while not ended.is_set() and (parent is None or _lives(parent)):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), PARENT_EVERY_S)
    finally:
        await running.close()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
