"""What an endpoint does to an answer on its way: the faults that are no status and no short text.

Each takes the body of an honest answer, so that everything but the fault is as it would be.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from domain.base import seed_of
from understudy.faults import Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HUGE_BYTES = 10_000_000
_CHUNK = b"x" * 65_536
_LORIS_S = 0.1
"""Seconds between two bytes: well under any read timeout."""
_RESET_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER on, for no time: closing the socket sends a reset."""

ON_THE_WAY = frozenset({Fault.SLOW_LORIS, Fault.RESET, Fault.HUGE})
"""Faults that need the connection."""
_GARBAGE = (b"\\u0000\\u0007\\u001b[2J", b"\\ud83d", b"\xff\xfe\xf0\x28")
"""As they stand inside a JSON string: control characters, half a surrogate pair, no UTF-8."""


def spoil(whole: bytes, fault: Fault | None, key: str) -> bytes:
    """Return the body of a completion with a content fault applied.

    Args:
        whole: The honest body, one JSON object with one choice.
        fault: What is done to it; faults of other kinds leave it as it is.
        key: The call's key; it draws which garbage it is.
    """
    if fault is Fault.MALFORMED:
        return whole[: len(whole) // 2]
    if fault is Fault.WRONG_ROLE:
        return _with_message(whole, role="user")
    if fault is Fault.UNFIT:
        return _with_message(whole, content=_unfit(whole))
    if fault is Fault.GARBAGE:
        mark = "@garbage@"
        kind = _GARBAGE[seed_of("garbage", key) % len(_GARBAGE)]
        said = _content(whole)
        body = _with_message(whole, content=said[: len(said) // 2] + mark + said[len(said) // 2 :])
        return body.replace(mark.encode(), kind)
    return whole


def _with_message(whole: bytes, **changed: str) -> bytes:
    body: dict[str, Any] = orjson.loads(whole)
    body["choices"][0]["message"].update(changed)
    return orjson.dumps(body)


def _content(whole: bytes) -> str:
    return str(orjson.loads(whole)["choices"][0]["message"]["content"] or "")


def _unfit(whole: bytes) -> str:
    """Put a structured answer's values under names that nobody asked for."""
    said = _content(whole)
    try:
        answer = orjson.loads(said)
    except orjson.JSONDecodeError:
        return said
    if not isinstance(answer, dict):
        return said
    return orjson.dumps({f"my_{name}": value for name, value in answer.items()}).decode()


async def send(request: web.Request, whole: bytes, fault: Fault) -> web.StreamResponse:
    """Send `whole` so that it does not arrive; for the faults in `ON_THE_WAY`."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    if fault is Fault.RESET:
        response.content_length = len(whole)
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):  # the caller gave up, as it should
        if fault is Fault.RESET:
            await response.write(whole[: len(whole) // 2])
            _reset(request)
        else:
            async for piece in _pieces(whole, fault):
                await response.write(piece)
            await response.write_eof()
    return response


async def _pieces(whole: bytes, fault: Fault) -> AsyncIterator[bytes]:
    if fault is Fault.HUGE:
        head, tail = _opened(whole)
        yield head
        for _ in range(0, HUGE_BYTES, len(_CHUNK)):
            yield _CHUNK
        yield tail
        return
    for at in range(len(whole)):
        yield whole[at : at + 1]
        await asyncio.sleep(_LORIS_S)


def _opened(whole: bytes) -> tuple[bytes, bytes]:
    """Part the body inside its text, so that it stays JSON whatever is put between."""
    mark = "@here@"
    head, _, tail = _with_message(whole, content=mark).partition(mark.encode())
    return head, tail


def _reset(request: web.Request) -> None:
    transport = request.transport
    if transport is None:
        return
    plug = transport.get_extra_info("socket")
    if plug is not None:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)
    transport.abort()
