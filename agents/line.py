"""The line to the endpoints: one per process and event loop, with what its calls share.

Why not the client that LangChain comes with: a call costs it tens of times the CPU of a raw one,
most of it in transforming the request twice. Plain `http://` goes over our own wire; TLS, proxies
and names in the address go over aiohttp, and so do the checks before a run.
"""

from __future__ import annotations

import asyncio
import os
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary, ref

import aiohttp

from agents.habits import UNTAUGHT
from agents.reply import read_reply
from agents.wire import LostAnswerError, Reply, Route, Wire, reason, route_of
from domain.call import CallResult, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agents.habits import Habits

MAX_BYTES = 2_000_000
"""The largest answer that is read; a longer one is cut off while it arrives."""

SECRET_CHARS = 8
"""Keys shorter than this are placeholders such as `none`, which occur in any text."""

ENCODED = "Content-Encoding"
"""With it, the announced length is not that of what is read."""

UNTIMED = aiohttp.ClientTimeout()
"""No bound within aiohttp: `post` has one over the whole call."""

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


class Line:
    """What the calls of one event loop share: the session and the habits learned."""

    def __init__(self) -> None:
        self.wire = Wire(MAX_BYTES)
        self._routes: dict[str, Route | None] = {}
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._habits: dict[tuple[str, str], Habits] = {}

    def session(self, url: str) -> aiohttp.ClientSession:
        """The session for calls to `url`, opened at first use.

        One on this machine is never reached through a proxy, whatever NO_PROXY says: a proxy
        would carry what is said, and the key, to another machine.
        """
        # Looking for a proxy costs time on every call: only where there is one.
        proxied = is_proxied(url)
        session = self._sessions.get(proxied)
        if session is None or session.closed:
            session = self._sessions[proxied] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=proxied,
            )
        return session

    def route(self, url: str) -> Route | None:
        """The way over our own wire to `url`, or None where calls take aiohttp's.

        Decided at the loop's first call there, by the proxies that are set then.
        """
        if url not in self._routes:
            self._routes[url] = None if is_proxied(url) else route_of(url)
        return self._routes[url]

    def habits(self, base_url: str, model: str) -> Habits:
        """What is known of `model` at `base_url`."""
        return self._habits.get((base_url, model), UNTAUGHT)

    def learn(self, base_url: str, model: str, lesson: Habits) -> None:
        """Keep `lesson` for all later calls to `model` at `base_url`."""
        self._habits[base_url, model] = self.habits(base_url, model).merge(lesson)

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> CallResult:
        """Send one request and read its answer.

        Args:
            url: Full address of the chat-completions route.
            body: JSON in UTF-8.
            headers: See `headers_of`.
            timeout_s: Seconds from connecting to the last byte.

        Returns:
            How it ended; nothing is raised for what an endpoint or the network does. `latency_ms`
            is filled in. The detail names no address and no key.
        """
        started = time.perf_counter()
        try:
            async with asyncio.timeout(timeout_s):
                reply = await self._send(url, body, headers)
            result = _read(reply, (time.perf_counter() - started) * 1000)
            if result.outcome is Outcome.OK:
                return result
        except TimeoutError:
            result = CallResult(outcome=Outcome.TIMEOUT, detail=f"no answer within {timeout_s:g} s")
        except aiohttp.InvalidURL:
            result = CallResult(outcome=Outcome.REJECTED, detail="the base_url is no address")
        except (aiohttp.ClientError, OSError) as error:
            result = CallResult(
                outcome=Outcome.CONNECTION, detail=reason(error), lost=was_sent(error)
            )
        filled: dict[str, object] = {"latency_ms": (time.perf_counter() - started) * 1000}
        if result.detail:  # some servers repeat a key that they refuse
            key = headers.get("Authorization", "").removeprefix("Bearer ")
            if len(key) >= SECRET_CHARS:
                filled["detail"] = result.detail.replace(key, "***")
        return result.model_copy(update=filled)

    async def _send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send one request over our own wire where it leads to `url`, else over aiohttp.

        Redirects are not followed: the key and the transcript go where the run file says.
        """
        route = self.route(url)
        if route is not None:
            return await self.wire.post(route, headers, body)
        async with self.session(url).post(
            url, data=body, headers=headers, timeout=UNTIMED, allow_redirects=False
        ) as response:
            return Reply(response.status, response.headers, await read_capped(response))

    async def aclose(self) -> None:
        """Close the connections; a later call opens new ones."""
        while self._sessions:
            _, session = self._sessions.popitem()
            await session.close()
        await self.wire.aclose()


_LINES: WeakKeyDictionary[asyncio.AbstractEventLoop, Line] = WeakKeyDictionary()
_last: tuple[ref[asyncio.AbstractEventLoop], ref[Line]] | None = None
"""The loop that asked last, and its line."""


def current_line() -> Line:
    """Return the line of the running event loop.

    Asked several times a call, nearly always by the loop that asked last: a look into the weak
    dictionary costs three times as much.
    """
    global _last
    loop = asyncio.get_running_loop()
    if _last is not None and _last[0]() is loop and (line := _last[1]()) is not None:
        return line
    line = _LINES.get(loop)
    if line is None:
        line = _LINES[loop] = Line()
    _last = ref(loop), ref(line)
    return line


async def close_line() -> None:
    """Close the running event loop's connections. To be called before the loop ends."""
    if line := _LINES.get(asyncio.get_running_loop()):
        await line.aclose()


def is_proxied(url: str) -> bool:
    """Whether calls to `url` may have to go through a proxy; never those on this machine."""
    named = any(os.environ.get(name) or os.environ.get(name.lower()) for name in PROXIES)
    return named and not is_loopback(url)


def is_loopback(url: str) -> bool:
    """Whether `url` names this machine: localhost (RFC 6761, 6.3), 127.0.0.0/8, ::1, 0.0.0.0."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".").lower()
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def key_of(api_key_env: str) -> str:
    """Read the key from the environment at the moment of use; empty where there is none."""
    return os.environ.get(api_key_env, "").strip() if api_key_env else ""


def headers_of(key: str) -> dict[str, str]:
    """Return the headers of a request; a local server without a key gets no Authorization."""
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    return headers


def _read(reply: Reply, latency_ms: float) -> CallResult:
    if reply.body is None:
        detail = f"the answer is longer than {MAX_BYTES} bytes"
        return CallResult(outcome=Outcome.TOO_LARGE, detail=detail)
    return read_reply(reply.status, reply.headers, reply.body, latency_ms)


async def read_capped(response: aiohttp.ClientResponse) -> bytes | None:
    """Read the body up to `MAX_BYTES`; None if there is more. The rest is not read."""
    announced = response.content_length
    if announced is not None and announced <= MAX_BYTES and not response.headers.get(ENCODED):
        return await response.read()
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > MAX_BYTES:
            response.close()
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def was_sent(error: BaseException) -> bool:
    """Whether a connection that failed had been there: the request may have been read."""
    lost = isinstance(error, LostAnswerError | aiohttp.ClientError)
    return lost and not isinstance(error, aiohttp.ClientConnectorError)
