"""Turns calls into what a shard keeps, one batch after another.

Lives in the event loop: it remembers, of each session under way, what a request of it can refer
to. Nothing is kept of a finished session.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from engine.ledger.delta import shrink
from engine.ledger.rows import Kind, Tally
from engine.spending.budget import estimated

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from domain.call import CallResult, CallRow

_OPEN = 8192
"""Sessions remembered; one that is forgotten while under way only costs space."""
_ANCHORED = 256
"""Sessions whose first requests refer to one other session's: what damage to that can reach."""
_KINDS = 512
"""Kinds that are told apart; an endpoint that names a new model in every answer fills no table."""
_MOST = 2**40
"""Tokens from which on a count is nonsense and would not fit the totals."""


@dataclass
class Batch:
    """What is committed together."""

    first: int
    """Number of its first call."""
    calls: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    """Session, draft, step, attempt and number of each."""
    records: list[bytes] = field(default_factory=list)
    literals: list[bytes] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    sessions: list[tuple[int, str]] = field(default_factory=list)
    """Sessions that are new in the shard: number and name."""
    results: list[tuple[int, str, str, bytes]] = field(default_factory=list)
    """Number, name, label and result of finished items."""
    changed: dict[int, Tally] = field(default_factory=dict)
    tallies: list[tuple[int | str, ...]] = field(default_factory=list)
    """Totals that have changed, as they are after this batch."""
    waiting: list[asyncio.Future[None]] = field(default_factory=list)
    """Whom to tell."""


_Last = tuple[int, bytes, int, "Sequence[int]"]
"""A last request: its number, its bytes, how much had been said then, and its pieces."""


class _Play:
    """One session under way."""

    __slots__ = ("last", "number", "said")

    def __init__(self, number: int) -> None:
        self.number = number
        self.last: dict[str, _Last] = {}
        """By role."""
        self.said: list[tuple[int, bytes]] = []
        """Its calls' numbers and answers."""


class Scribe:
    """Keeps the numbers of a shard: of its calls, its sessions and its kinds of calls."""

    def __init__(self) -> None:
        self._calls = 0
        self._sessions = 0
        self._plays: OrderedDict[str, _Play] = OrderedDict()
        self._forgotten: dict[str, int] = {}
        self._tallies: dict[tuple[str, str, str, str, str], Tally] = {}
        self._anchors: dict[str, _Anchor] = {}
        self._batch = Batch(1)

    def add(self, row: CallRow) -> Batch:
        """Add a call to the batch that is open, and return the batch.

        Raises:
            TypeError, ValueError: It cannot be stored; nothing has been added.
        """
        key, result, request = row.key, row.result, row.request
        usage = result.usage
        prompt, completion = usage.prompt_tokens, usage.completion_tokens
        if prompt > _MOST or completion > _MOST or usage.cached_tokens > _MOST:
            raise ValueError(f"{usage!r} cannot be true")
        play = self._plays.get(key.session) or self._begin(key.session)
        role = row.role._value_
        base, before, heard, like = play.last.get(role) or self._anchor(role)
        delta = shrink(request, before, play.said[heard:], like)
        said = orjson.dumps(result.text)[1:-1]
        more = _more(result)
        tally = self._tally(row, more)
        place = (play.number, key.draft, key.step, key.attempt)
        record = orjson.dumps(
            (
                *place,
                tally.number,
                prompt,
                completion,
                usage.cached_tokens,
                result.latency_ms,
                base,
                delta.prefix,
                delta.suffix,
                delta.pieces,
                len(delta.literal),
                len(said),
                more,
            )
        )
        request_hash = bytes.fromhex(row.request_hash)
        self._calls = number = self._calls + 1
        if not base:
            self._anchors[role] = _Anchor(number, request, delta.pieces)
        play.last[role] = number, request, len(play.said), delta.pieces
        play.said.append((number, said))
        tally.calls += 1
        tally.prompt += prompt
        tally.completion += completion
        tally.cached += usage.cached_tokens
        if not (prompt or completion):
            estimate = estimated(row)
            tally.estimated_prompt += estimate[0]
            tally.estimated_completion += estimate[1]
        batch = self._batch
        batch.calls.append((*place, number))
        batch.records.append(record)
        batch.literals += (delta.literal, said)
        batch.hashes.append(request_hash)
        batch.changed[tally.number] = tally
        return batch

    def finish(self, name: str, label: str, data: bytes) -> Batch:
        """Add an item's result to the open batch, forget the item, and return the batch."""
        play = self._plays.get(name) or self._begin(name)
        self._batch.results.append((play.number, name, label, data))
        del self._plays[name]
        return self._batch

    def take(self) -> Batch:
        """Return the open batch and open the next."""
        batch, self._batch = self._batch, Batch(self._calls + 1)
        batch.tallies = [tally.row() for tally in batch.changed.values()]
        return batch

    def _begin(self, name: str) -> _Play:
        number = self._forgotten.pop(name, 0)
        if not number:
            self._sessions = number = self._sessions + 1
            self._batch.sessions.append((number, name))
        play = self._plays[name] = _Play(number)
        if len(self._plays) > _OPEN:
            oldest, left = self._plays.popitem(last=False)
            self._forgotten[oldest] = left.number
        return play

    def _anchor(self, role: str) -> _Last:
        """Say which request a session's first is told by.

        It is another session's, because system prompts are much alike; every so often there is
        none, and the request that is kept whole becomes the next anchor.
        """
        anchor = self._anchors.get(role)
        if anchor is None or anchor.uses == _ANCHORED:
            return 0, b"", 0, ()
        anchor.uses += 1
        return anchor.number, anchor.request, 0, anchor.pieces

    def _tally(self, row: CallRow, more: dict[str, Any]) -> Tally:
        """Return the totals that a call belongs to; what they do not say of it goes to `more`."""
        result = row.result
        kind = (
            row.role._value_,
            row.endpoint,
            result.model,
            result.outcome._value_,
            result.finish_reason,
        )
        tally = self._tallies.get(kind)
        return self._new_tally(Kind(*kind), more) if tally is None else tally

    def _new_tally(self, kind: Kind, more: dict[str, Any]) -> Tally:
        if len(self._tallies) >= _KINDS or not _is_plain(kind):
            more |= {"model": kind.model, "finish_reason": kind.finish_reason}
            kind = kind._replace(model="", finish_reason="")
        return self._tallies.setdefault(kind, Tally(len(self._tallies) + 1, kind))


class _Anchor:
    """The request that other sessions' first ones refer to."""

    __slots__ = ("number", "pieces", "request", "uses")

    def __init__(self, number: int, request: bytes, pieces: Sequence[int]) -> None:
        self.number = number
        self.request = request
        self.pieces = pieces
        self.uses = 0


def _is_plain(kind: Kind) -> bool:
    """Whether an endpoint's words may stand in a table: short, and without control characters."""
    return all(len(word) <= 200 and word.isprintable() for word in (kind.model, kind.finish_reason))


def _more(result: CallResult) -> dict[str, Any]:
    if not (result.reasoning or result.detail or result.retry_after_s or result.lost):
        return {}
    kept = {
        "reasoning": result.reasoning,
        "detail": result.detail,
        "retry_after_s": result.retry_after_s,
        "lost": result.lost,
    }
    return {name: value for name, value in kept.items() if value}
