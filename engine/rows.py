"""Call rows as the store keeps them, and back: checksums, deltas, results."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from domain.call import CallResult, Outcome, Usage
from engine.delta import shrink

if TYPE_CHECKING:
    from domain.call import CallRow

_REMEMBERED = 8192
"""Last requests kept at hand to refer to; one that was dropped only costs space."""

UNANSWERED = frozenset(
    {Outcome.CONNECTION, Outcome.REJECTED, Outcome.RATE_LIMITED, Outcome.SERVER_ERROR}
)
"""Outcomes of calls that no model saw: nothing was said and nothing paid."""


class Stored(NamedTuple):
    """One row of the `calls` table, in the order of its columns."""

    id: int
    session: str
    draft: int
    step: int
    attempt: int
    role: str
    endpoint: str
    request_hash: bytes
    base: int
    prefix: int
    added: bytes
    outcome: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    latency_ms: float
    answer: bytes
    checksum: int

    @property
    def place(self) -> tuple[int, int, int]:
        """(draft, step, attempt): where in its session the call stands."""
        return self.draft, self.step, self.attempt

    def result(self) -> CallResult:
        """Rebuild what came back."""
        return CallResult(
            outcome=Outcome(self.outcome),
            model=self.model,
            usage=Usage(
                prompt_tokens=self.prompt_tokens,
                completion_tokens=self.completion_tokens,
                cached_tokens=self.cached_tokens,
            ),
            latency_ms=self.latency_ms,
            **orjson.loads(zlib.decompress(self.answer)),
        )


def checksum(row: tuple[Any, ...]) -> int:
    """CRC-32 of a row's columns without its checksum."""
    return zlib.crc32(repr(row).encode())


def pack_result(item: str, data: bytes) -> tuple[str, bytes, int]:
    """Return the row of the `results` table for a finished item."""
    packed = zlib.compress(data)
    return item, packed, zlib.crc32(packed, zlib.crc32(item.encode()))


def result_is_whole(item: str, packed: bytes, crc: int) -> bool:
    """Whether a row of the `results` table is as it was written."""
    return zlib.crc32(packed, zlib.crc32(item.encode())) == crc


class RowMaker:
    """Turns calls into rows, each request referring to an earlier one of the same shard.

    The base is the last request of the same session and role; a session's first refers to the
    shard's first of that role, because system prompts are much alike.
    """

    def __init__(self) -> None:
        self._rows = 0
        self._first: dict[str, tuple[int, bytes]] = {}
        self._last: OrderedDict[tuple[str, str], tuple[int, bytes]] = OrderedDict()

    def make(self, row: CallRow) -> tuple[Any, ...]:
        """Return the row as the `calls` table takes it."""
        self._rows += 1
        role, key, result = row.role.value, row.key, row.result
        base, before = self._base(key.session, role)
        prefix, added = shrink(row.request, before)
        self._remember(key.session, role, row.request)
        body = (
            self._rows,
            key.session,
            key.draft,
            key.step,
            key.attempt,
            role,
            row.endpoint,
            bytes.fromhex(row.request_hash),
            base,
            prefix,
            added,
            result.outcome.value,
            result.model,
            result.usage.prompt_tokens,
            result.usage.completion_tokens,
            result.usage.cached_tokens,
            float(result.latency_ms),
            _answer(result),
        )
        return (*body, checksum(body))

    def _base(self, session: str, role: str) -> tuple[int, bytes]:
        found = self._last.get((session, role)) or self._first.get(role)
        return found or (0, b"")

    def _remember(self, session: str, role: str, request: bytes) -> None:
        self._last[session, role] = self._rows, request
        self._last.move_to_end((session, role))
        self._first.setdefault(role, (self._rows, request))
        if len(self._last) > _REMEMBERED:
            self._last.popitem(last=False)

    def forget(self, session: str) -> None:
        """Drop what is kept at hand for a finished session."""
        for role in self._first:
            self._last.pop((session, role), None)


def _answer(result: CallResult) -> bytes:
    kept = {
        "text": result.text,
        "reasoning": result.reasoning,
        "detail": result.detail,
        "finish_reason": result.finish_reason,
        "retry_after_s": result.retry_after_s,
    }
    return zlib.compress(orjson.dumps({name: value for name, value in kept.items() if value}))
