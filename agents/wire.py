"""HTTP/1.1 to an endpoint on a plain `http://` address, and nothing that a chat call does not need.

Why not aiohttp, which makes every other call: a request costs it about 80 µs of CPU and this
15 to 20, measured against a stub that answers at once; it was the dearest part of a call. One
request is on a connection at a time, and a connection is kept for the next one. The framing
follows RFC 9112: length, chunks, or the end of the connection. Compression is declined.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, NamedTuple

from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Mapping

IDLE_S = 60.0
"""Seconds after which a connection that nobody used is not used again."""

HEAD_BYTES = 65_536
"""The longest head of an answer that is read."""

CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]{1,12}")

CLOSED = "the connection was closed before the answer was whole"


class BrokenAnswerError(ConnectionError):
    """What came over the connection is no whole HTTP answer; the message says why."""


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
            OSError: The server cannot be reached, or the connection broke.
            ValueError: A header holds a line break.
        """
        named = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        if named.count("\r\n") != len(headers) or named.count("\n") != len(headers):
            raise ValueError("a header holds a line break")
        head = f"{route.head}{named}Content-Length: {len(body)}\r\n\r\n"
        connection = self._kept(route) or await self._connect(route)
        try:
            reply = await connection.ask(head.encode() + body)
        except BaseException:
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
    """One connection: a request out, an answer in, the next request."""

    def __init__(self, max_bytes: int, everyone: set[_Connection]) -> None:
        self.since = 0.0
        self._max_bytes = max_bytes
        self._everyone = everyone
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Reply] | None = None
        self._keep = True
        self._begin()

    def _begin(self) -> None:
        self._read = bytearray()
        self._status = 0
        self._headers: dict[str, str] = {}
        self._left: int | None = None
        """Bytes of the body, or None where chunks or the end of the connection tell."""
        self._chunks: bytearray | None = None

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
        """Tell whoever waits; an answer without a length is whole now."""
        self._keep = False
        self._everyone.discard(self)
        if self._waiter is None:
            return
        whole = exc is None and self._status and self._left is None and self._chunks is None
        if whole:
            self._finish(bytes(self._read))
        else:
            self._fail(exc or BrokenAnswerError(CLOSED))

    def data_received(self, data: bytes) -> None:
        """Read on; the waiter is told once the answer is whole."""
        if self._waiter is None:
            self.abort()  # nobody asked: whatever it is, it is no answer to the next request
            return
        self._read += data
        try:
            if self._status or self._read_head():
                self._read_body()
        except (BrokenAnswerError, ValueError) as error:
            self._fail(BrokenAnswerError(f"the answer is no HTTP: {error}"))

    def _read_head(self) -> bool:
        """Read the head if it is there; answers that only say "go on" (1xx) are passed over."""
        while not self._status:
            end = self._read.find(b"\r\n\r\n")
            if end < 0:
                if len(self._read) > HEAD_BYTES:
                    raise BrokenAnswerError("its head does not end")
                return False
            head = self._read[:end].decode("latin-1")
            del self._read[: end + 4]
            first, *lines = head.split("\r\n")
            version, _, rest = first.partition(" ")
            if not version.startswith("HTTP/1."):
                raise BrokenAnswerError("there is no status line")
            status = int(rest[:3])
            if status >= 200:
                self._status = status
                self._understand(version, lines)
        return True

    def _understand(self, version: str, lines: list[str]) -> None:
        """Take in the headers, and what they say of the connection's end and the body's."""
        headers = self._headers
        for line in lines:
            name, colon, value = line.partition(":")
            name, value = name.strip().title(), value.strip()
            if not colon or (name == "Content-Length" and headers.get(name, value) != value):
                raise BrokenAnswerError("its head is damaged")
            headers[name] = value
        options = headers.get("Connection", "").lower()
        self._keep = "close" not in options and (version != "HTTP/1.0" or "keep-alive" in options)
        if headers.get("Content-Encoding", "identity").lower() != "identity":
            raise BrokenAnswerError("it is compressed, which was declined")
        self._frame(headers.get("Transfer-Encoding", "").lower(), headers.get("Content-Length"))

    def _frame(self, coding: str, length: str | None) -> None:
        """Settle how the body's end is told (RFC 9112, 6.3)."""
        if self._status in (204, 304):
            self._left = 0
        elif coding == "chunked":
            self._chunks = bytearray()
        elif coding:
            raise BrokenAnswerError(f"its transfer encoding is {coding[:40]}")
        elif length is None:
            self._keep = False
        elif length.isascii() and length.isdecimal():
            self._left = int(length)
        else:
            raise BrokenAnswerError("its length is no number")

    def _read_body(self) -> None:
        if self._chunks is not None:
            self._read_chunks(self._chunks)
        elif self._left is None:
            if len(self._read) > self._max_bytes:
                self._finish(None)
        elif self._left > self._max_bytes:
            self._finish(None)
        elif len(self._read) >= self._left:
            if len(self._read) > self._left:
                self._keep = False
            self._finish(bytes(self._read[: self._left]))

    def _read_chunks(self, body: bytearray) -> None:
        read = self._read
        while (end := read.find(b"\r\n")) >= 0:
            size = _size_of(bytes(read[:end]))
            if len(body) + size > self._max_bytes:
                self._finish(None)
                return
            after = end + 2 + size
            if not size and b"\r\n\r\n" in read:  # trailers, if any, are passed over
                self._keep = self._keep and read.endswith(b"\r\n\r\n")
                self._finish(bytes(body))
            if not size or len(read) < after + 2:
                break
            if read[after : after + 2] != b"\r\n":
                raise BrokenAnswerError("a chunk is longer than it says")
            body += read[end + 2 : after]
            del read[: after + 2]
        if len(self._read) > HEAD_BYTES + self._max_bytes:
            raise BrokenAnswerError("a chunk's head does not end")

    def _finish(self, body: bytes | None) -> None:
        if body is None:
            self._keep = False
        waiter, reply = self._waiter, Reply(self._status, self._headers, body)
        self._waiter = None
        self._begin()
        if waiter is not None and not waiter.done():
            waiter.set_result(reply)

    def _fail(self, error: Exception) -> None:
        self._keep = False
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)


def _size_of(line: bytes) -> int:
    """Return the size that a chunk's head tells; what follows a semicolon is for others."""
    digits = line.partition(b";")[0].strip()
    if not CHUNK_SIZE.fullmatch(digits):
        raise BrokenAnswerError("a chunk has no size")
    return int(digits, 16)
