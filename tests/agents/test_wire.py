"""Our own wire, against servers that write their bytes by hand."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from agents.journal import NullJournal
from agents.llm import RoleModel, close_line
from agents.retry import Backoff
from agents.wire import CLOSED, BrokenAnswerError, Reply, Route, Wire, route_of
from domain.call import CallFailed, CallKey, Outcome, Role
from domain.settings import RoleSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

MAX = 1000
BODY = b'{"ask": 1}'
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nHi"


class Server:
    """Answers the requests of all connections with `pieces` in turn, then closes if told so."""

    def __init__(self, pieces: Sequence[bytes], *, closes: bool = False) -> None:
        self.asked: list[bytes] = []
        self.connections = 0
        self._pieces = pieces
        self._closes = closes

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while head := await self._head(reader):
            self.asked.append(head + await reader.readexactly(len(BODY)))
            for piece in self._pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.01)
            if self._closes:
                break
        writer.close()

    async def _head(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""


@asynccontextmanager
async def reach(server: Server) -> AsyncIterator[tuple[Wire, Route]]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    route = route_of(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1/chat")
    assert route is not None
    wire = Wire(MAX)
    try:
        yield wire, route
    finally:
        await wire.aclose()
        listening.close()
        await listening.wait_closed()


async def ask(*pieces: bytes, closes: bool = False) -> Reply:
    async with reach(Server(pieces, closes=closes)) as (wire, route):
        return await wire.post(route, {"X-Key": "a"}, BODY)


async def test_a_request_is_whole_and_its_connection_is_kept() -> None:
    server = Server([FINE])
    async with reach(server) as (wire, route):
        replies = [await wire.post(route, {"X-Key": "a"}, BODY) for _ in range(3)]
    assert replies == [Reply(200, {"Content-Length": "2"}, b"Hi")] * 3
    assert server.connections == 1
    head, _, body = server.asked[0].partition(b"\r\n\r\n")
    assert body == BODY
    assert head.split(b"\r\n") == [
        b"POST /v1/chat HTTP/1.1",
        f"Host: 127.0.0.1:{route.port}".encode(),
        b"Accept: application/json",
        b"Accept-Encoding: identity",
        b"X-Key: a",
        b"Content-Length: 10",
    ]


async def test_calls_at_once_have_connections_of_their_own() -> None:
    server = Server([FINE])
    async with reach(server) as (wire, route):
        await asyncio.gather(*(wire.post(route, {}, BODY) for _ in range(5)))
    assert server.connections == 5


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        (FINE[:9], FINE[9:40], FINE[40:]),
        (b"HTTP/1.1 100 Continue\r\n\r\n", FINE),
        (CHUNKED + b"1\r\nH\r\n1;x=y\r\ni\r\n0\r\n\r\n",),
        (CHUNKED + b"0", b"2\r\nH", b"i\r\n0\r\nA: b\r\n\r\n"),
    ],
    ids=["pieces", "continue", "chunks", "chunks in pieces"],
)
async def test_an_answer_is_read_as_it_is_framed(pieces: tuple[bytes, ...]) -> None:
    reply = await ask(*pieces)
    assert (reply.status, reply.body) == (200, b"Hi")


async def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    assert (await ask(b"HTTP/1.0 503 Busy\r\nretry-after: 2\r\n\r\nHi", closes=True)) == Reply(
        503, {"Retry-After": "2"}, b"Hi"
    )


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nHi",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nHi",
        FINE + b"more than was asked for",
    ],
    ids=["close", "old", "surplus"],
)
async def test_a_connection_that_cannot_be_trusted_is_not_used_again(head: bytes) -> None:
    server = Server([head])
    async with reach(server) as (wire, route):
        for _ in range(2):
            assert (await wire.post(route, {}, BODY)).body == b"Hi"
    assert server.connections == 2


async def test_a_connection_that_the_server_closed_is_replaced() -> None:
    server = Server([FINE], closes=True)
    async with reach(server) as (wire, route):
        await wire.post(route, {}, BODY)
        await asyncio.sleep(0.05)
        await wire.post(route, {}, BODY)
    assert server.connections == 2


class Forgetful:
    """Answers the first request on each connection, and closes at the next without a word."""

    def __init__(self) -> None:
        self.requests = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = b'{"choices":[{"message":{"content":"Hello."},"finish_reason":"stop"}]}'
        for answer in (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(said) + said, b""):
            if not await reader.read(65_536):
                break
            self.requests += 1
            writer.write(answer)
        writer.close()


@pytest.mark.parametrize("retries", [0, 1])
async def test_a_request_that_its_connection_took_along_is_one_failure_of_the_call(
    retries: int,
) -> None:
    server = Forgetful()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    settings = RoleSettings(base_url=f"http://127.0.0.1:{port}", model="m", retries=retries)
    model = RoleModel(Role.CLIENT, settings, NullJournal(), Backoff(first_s=0.01))

    async def say(step: int) -> str:
        key = CallKey(session="s", draft=0, step=step, attempt=0)
        return (await model.say([{"role": "user", "content": "Hi"}], key, 1)).text

    try:
        assert await say(0) == "Hello."
        if retries:
            assert await say(1) == "Hello."
        else:
            with pytest.raises(CallFailed) as failed:
                await say(1)
            assert failed.value.result.outcome is Outcome.CONNECTION
            assert failed.value.result.lost, "the server may have answered, and bill it"
        assert server.requests == 2 + retries
    finally:
        await close_line()
        listening.close()
        await listening.wait_closed()


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001,
    ],
    ids=["announced", "chunk", "streamed"],
)
async def test_the_rest_of_a_long_answer_is_not_read(head: bytes) -> None:
    assert (await ask(head)).body is None


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nHi",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nHi",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nHi",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nHi\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nHi\r\n",
        b"x" * 70_000,
    ],
)
async def test_what_is_no_answer_is_told_as_such(answer: bytes) -> None:
    with pytest.raises(BrokenAnswerError, match="no HTTP"):
        await ask(answer)


@pytest.mark.parametrize("cut", [b"", FINE[:20], FINE[:-1]])
async def test_a_cut_answer_is_no_answer(cut: bytes) -> None:
    with pytest.raises(BrokenAnswerError, match=CLOSED):
        await ask(cut, closes=True)


async def test_a_call_that_is_given_up_leaves_no_connection_behind() -> None:
    server = Server([])
    async with reach(server) as (wire, route):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await wire.post(route, {}, BODY)
        server._pieces = [FINE]
        assert (await wire.post(route, {}, BODY)).body == b"Hi"
    assert server.connections == 2


async def test_a_header_cannot_smuggle_another() -> None:
    async with reach(Server([FINE])) as (wire, route):
        with pytest.raises(ValueError, match="line break"):
            await wire.post(route, {"Authorization": "Bearer a\r\nX: b"}, BODY)


@pytest.mark.parametrize(
    ("url", "host", "port", "place"),
    [
        ("http://models.example/v1", "models.example", 80, "models.example"),
        ("http://[::1]:8000/v1", "::1", 8000, "[::1]:8000"),
        ("http://127.0.0.1:80/v1?a=b", "127.0.0.1", 80, "127.0.0.1"),
        ("http://bücher.example/v1", "xn--bcher-kva.example", 80, "xn--bcher-kva.example"),
    ],
)
def test_where_it_leads(url: str, host: str, port: int, place: str) -> None:
    route = route_of(url)
    assert route is not None
    assert (route.host, route.port) == (host, port)
    assert f"\r\nHost: {place}\r\n" in route.head


@pytest.mark.parametrize(
    "url", ["https://models.example/v1", "http://me:secret@models.example/v1", "http://[", "", "x"]
)
def test_where_it_does_not_lead(url: str) -> None:
    assert route_of(url) is None
