"""HTTP/1.1 to an endpoint on a plain `http://` address, and nothing that a chat call does not need.

Why not aiohttp, which makes every other call: a request costs it several times the CPU, and was
the dearest part of a call (docs/performance.md). What comes in is read by llhttp, the parser of
Node.js, through `httptools`; ours are the connections, which carry one request at a time and are
kept for the next one, and the bounds on what is read. Compression is declined.

A server may close a kept connection at the very moment that a request goes out on it. Whether it
has seen the request cannot be known, and a chat call may cost money: it is not sent again from
here but ends as `Outcome.CONNECTION`, one failure of the call that may be billed, and the role's
`retries` decide.
"""

from __future__ import annotations

import asyncio
import os
import time
from socket import gaierror
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorSSLError,
    ServerDisconnectedError,
)
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Mapping

IDLE_S = 60.0
"""Seconds after which a connection that nobody used is not used again."""

HEAD_BYTES = 65_536
"""The longest head of an answer that is read, and the longest that stands between two pieces of a
body or after it; more than twice what common servers send."""

DECLINED = {"Content-Encoding": "identity", "Transfer-Encoding": "chunked"}
"""The only value that each of these headers may have."""

CLOSED = "the connection was closed before the answer was whole"


class BrokenAnswerError(ConnectionError):
    """What came over the connection is no whole HTTP answer; the message says why."""


class LostAnswerError(BrokenAnswerError):
    """The connection broke after the request had gone out."""


class Reply(NamedTuple):
    """One HTTP answer. Names of headers are written `Like-This`."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None
    """None where it is longer than what may be read; the rest is not read."""


class Route(NamedTuple):
    """Where requests go: a server, and the beginning of every request's head."""

    host: str
    port: int
    head: str


def reason(error: BaseException) -> str:
    """Say in plain words why a connection failed, without the address it was to."""
    if isinstance(error, BrokenAnswerError):
        return str(error)
    if isinstance(error, ClientConnectorDNSError | gaierror):
        return "the name of the host cannot be resolved"
    if isinstance(error, ServerDisconnectedError):
        return CLOSED
    if isinstance(error, ClientConnectorCertificateError):
        return f"its certificate is not accepted: {_of_tls(error.certificate_error)}"
    if isinstance(error, ClientConnectorSSLError):
        return f"no TLS there: {_of_tls(error.os_error)}"
    number = getattr(getattr(error, "os_error", error), "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number).lower()
    return type(error).__name__


def _of_tls(error: BaseException) -> str:
    """Say OpenSSL's reason: `wrong version number`."""
    said = getattr(error, "verify_message", "") or getattr(error, "reason", "")
    return str(said or type(error).__name__).lower().replace("_", " ")


def route_of(url: str) -> Route | None:
    """Return the way to `url`, or None where this wire does not lead there.

    TLS, names and passwords in the address are left to aiohttp.
    """
    try:
        parsed = URL(url)
        host, port = parsed.raw_host, parsed.port
    except ValueError:
        return None
    if parsed.scheme != "http" or not host or port is None or parsed.raw_user is not None:
        return None
    name = f"[{host}]" if ":" in host else host
    place = name if port == 80 else f"{name}:{port}"
    head = f"POST {parsed.raw_path_qs} HTTP/1.1\r\nHost: {place}\r\nAccept: application/json\r\n"
    return Route(host, port, f"{head}Accept-Encoding: identity\r\n")


class Wire:
    """The connections of one event loop.

    Args:
        max_bytes: The longest body that is read.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._idle: dict[tuple[str, int], list[_Connection]] = {}
        self._open: set[_Connection] = set()

    async def post(self, route: Route, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send one request and read its answer; the caller sets the deadline by cancelling.

        Raises:
            LostAnswerError: The connection broke after the request had gone out, or what came over
                it is no whole answer.
            OSError: The server cannot be reached.
            ValueError: A header holds a line break.
        """
        named = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        if named.count("\r\n") != len(headers) or named.count("\n") != len(headers):
            raise ValueError("a header holds a line break")
        head = f"{route.head}{named}Content-Length: {len(body)}\r\n\r\n"
        connection = self._kept(route) or await self._connect(route)
        try:
            reply = await connection.ask(head.encode() + body)
        except OSError as error:
            connection.abort()
            raise LostAnswerError(reason(error)) from error
        except BaseException:  # the deadline, or the end of the run: nobody waits for it any more
            connection.abort()
            raise
        if connection.reusable:
            connection.since = time.monotonic()
            self._idle.setdefault(route[:2], []).append(connection)
        else:
            connection.abort()
        return reply

    async def aclose(self) -> None:
        """Close every connection; a later call opens new ones."""
        self._idle.clear()
        for connection in tuple(self._open):
            connection.abort()
        await asyncio.sleep(0)  # sockets are closed by the loop's next round

    def _kept(self, route: Route) -> _Connection | None:
        """Return the connection that was used last, if it is still good."""
        idle = self._idle.get(route[:2])
        while idle:
            connection = idle.pop()
            if connection.reusable and time.monotonic() - connection.since < IDLE_S:
                return connection
            connection.abort()
        return None

    async def _connect(self, route: Route) -> _Connection:
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: _Connection(self._max_bytes, self._open),
            route.host,
            route.port,
            happy_eyeballs_delay=0.25,
        )
        return connection


class _Connection(asyncio.Protocol):
    """One connection: a request out, an answer in, the next request.

    The methods whose names begin with `on_` are called by the parser.
    """

    def __init__(self, max_bytes: int, everyone: set[_Connection]) -> None:
        self.since = 0.0
        self._max_bytes = max_bytes
        self._everyone = everyone
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Reply] | None = None
        self._keep = True
        self._parser = HttpResponseParser(self)
        self._fault = ""
        self._status = 0
        self._headers: dict[str, str] = {}
        self._pieces: list[bytes] = []
        self._size = 0
        self._beside = 0
        """Bytes read since the last that belonged to a body."""

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent."""
        transport = self._transport
        return self._keep and transport is not None and not transport.is_closing()

    def abort(self) -> None:
        """Close at once."""
        self._keep = False
        if self._transport is not None:
            self._transport.abort()

    def ask(self, request: bytes) -> asyncio.Future[Reply]:
        """Send a request; the future is the answer."""
        waiter = self._waiter = asyncio.get_running_loop().create_future()
        if self._transport is None or self._transport.is_closing():
            self._fail(BrokenAnswerError(CLOSED))
        else:
            self._transport.write(request)
        return waiter

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
        self._everyone.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits; an answer that tells no length is whole now."""
        self._keep = False
        self._everyone.discard(self)
        told = not {"Content-Length", "Transfer-Encoding"}.isdisjoint(self._headers)
        if exc is None and self._status and not told:
            self._finish(b"".join(self._pieces))
        else:
            self._fail(exc or BrokenAnswerError(CLOSED))

    def data_received(self, data: bytes) -> None:
        """Read on; the waiter is told once the answer is whole."""
        if self._waiter is None:
            self.abort()  # nobody asked: whatever it is, it is no answer to the next request
            return
        self._beside += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._fault = self._fault or str(error) or "it wants another protocol"
        if self._beside > HEAD_BYTES:
            self._fault = self._fault or "its head does not end"
        if self._fault:
            self._fail(BrokenAnswerError(f"the answer is no HTTP: {self._fault}"))

    def on_message_begin(self) -> None:
        """Another answer begins: the one that was asked for, or one too many."""
        if self._waiter is None:
            self._keep = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a header; those that come after the body are passed over."""
        if not self._status:
            self._headers[name.decode("latin-1").title()] = value.decode("latin-1").strip()

    def on_headers_complete(self) -> None:
        """Look whether the body can be read."""
        status = self._parser.get_status_code()
        if status < 200:
            return
        headers, self._status = self._headers, status
        for name, only in DECLINED.items():
            if headers.get(name, only).lower() != only:
                self._fault = f"{name} is {headers[name][:40]}, which was declined"
        if int(headers.get("Content-Length", "0")) > self._max_bytes:
            self._finish(None)

    def on_body(self, piece: bytes) -> None:
        """Keep a piece of the body, up to the longest that is read."""
        self._beside = 0
        self._size += len(piece)
        if self._size > self._max_bytes:
            self._finish(None)
        else:
            self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """Hand the answer over; one that only says "go on" (1xx) is passed over."""
        if not self._status:
            self._headers = {}
        elif not self._fault:
            self._keep = self._keep and self._parser.should_keep_alive()
            self._finish(b"".join(self._pieces))

    def _finish(self, body: bytes | None) -> None:
        if body is None:
            self._keep = False
        waiter, reply = self._waiter, Reply(self._status, self._headers, body)
        self._waiter = None
        self._status, self._headers, self._pieces = 0, {}, []
        self._size = self._beside = 0
        if waiter is not None and not waiter.done():
            waiter.set_result(reply)

    def _fail(self, error: Exception) -> None:
        self._keep = False
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)
