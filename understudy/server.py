"""Starting the stand-in endpoint, in this event loop or as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ipaddress
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from domain.errors import ConfigError, EndpointError
from understudy.faults import FaultSettings
from understudy.handlers import Understudy
from understudy.requestlog import RequestLog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PARENT_EVERY_S = 1.0
GARBAGE = 50_000
"""Fresh objects from which a process that only serves looks for garbage. What it keeps are bounded
memos without cycles, and at Python's 700 looking through them is a fifth of a critique's cost."""


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
    gc.set_threshold(GARBAGE)
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
