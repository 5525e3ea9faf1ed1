"""Reads one shard: its sessions, totals and results, and its calls with their requests rebuilt."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson
from sqlalchemy import and_, func, select

from domain.call import CallKey, CallResult, CallRow, Outcome, Role, Usage
from engine.ledger.records import Records
from engine.ledger.rows import Kind, Result, result_is_whole, tally_checksum, unpack_result
from engine.ledger.schema import CALLS, RESULTS, SESSIONS, TALLIES
from engine.ledger.shard import damaged

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from sqlalchemy import ColumnElement, Connection

    from engine.ledger.block import Record
    from engine.ledger.shard import Shard

_FETCH = 128
"""Results fetched with one query."""


class Totals(NamedTuple):
    """Calls of one kind, as the `tallies` table has them."""

    number: int
    kind: Kind
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    estimated_prompt: int
    """Tokens of calls whose endpoint reported none."""
    estimated_completion: int


class Named(NamedTuple):
    """A session of a shard; `label` is None while it has no result."""

    number: int
    name: str
    label: str | None


class Reader:
    """Reads one shard over an open connection.

    Raises:
        StoreError: From every method: what it reads is not as it was written.
    """

    def __init__(self, shard: Shard, connection: Connection, writer: int) -> None:
        self.shard = shard
        self._connection = connection
        self._writer = writer
        self.records = Records(shard, connection, writer)
        self._kinds: dict[int, Kind] = {}

    def sessions(self) -> Iterator[Named]:
        """Yield every session, by number."""
        return map(Named._make, self._sessions())

    def labels(self) -> list[tuple[str, str]]:
        """Return name and label of every finished session."""
        return [(name, label) for _, name, label in self._sessions() if label is not None]

    def finished(self) -> dict[str, int]:
        """Return name and number of every finished session."""
        return {name: number for number, name, label in self._sessions() if label is not None}

    def numbers_by_name(self) -> dict[str, int]:
        """Return name and number of every session."""
        return {name: number for number, name, _ in self._sessions()}

    def recallable(self, again: Collection[str]) -> Iterable[tuple[int, str, str | None]]:
        """Return number, name and label of every session that has no result or is in `again`."""
        if not again:
            return self._sessions(SESSIONS.c.label.is_(None))
        return [one for one in self._sessions() if one[2] is None or one[1] in again]

    def _sessions(self, *which: ColumnElement[bool]) -> Iterable[tuple[int, str, str | None]]:
        """Read all rows at once, as the driver has them: there may be a hundred thousand."""
        query = select(SESSIONS.c.id, SESSIONS.c.name, SESSIONS.c.label)
        found = self._connection.execute(query.where(SESSIONS.c.writer == self._writer, *which))
        try:
            return found.cursor.fetchall() if found.cursor is not None else ()
        except self._connection.dialect.loaded_dbapi.Error as error:  # as the driver has them too
            raise damaged(self.shard, str(error)) from error

    def named(self, session: str) -> Named | None:
        """Return a session with its number and label; None where the shard does not know it."""
        query = select(SESSIONS.c.id, SESSIONS.c.name, SESSIONS.c.label)
        mine = and_(SESSIONS.c.writer == self._writer, SESSIONS.c.name == session)
        row = self._connection.execute(query.where(mine)).first()
        return None if row is None else Named(*row)

    def number_of(self, session: str) -> int | None:
        """Return a session's number; None where the shard does not know it."""
        mine = and_(SESSIONS.c.writer == self._writer, SESSIONS.c.name == session)
        return self._connection.scalar(select(SESSIONS.c.id).where(mine))

    def totals(self) -> list[Totals]:
        """Return the running totals."""
        query = select(*list(TALLIES.columns)[1:]).where(TALLIES.c.writer == self._writer)
        found = []
        for row in self._connection.execute(query.order_by(TALLIES.c.kind)):
            *told, checksum = row
            if tally_checksum(tuple(told)) != checksum:
                raise damaged(self.shard, f"the totals of kind {told[0]}")
            number, kind, counts = told[0], Kind(*told[1:6]), told[6:]
            self._kinds[number] = kind
            found.append(Totals(number, kind, *counts))
        return found

    def results(self, wanted: Iterable[tuple[str, int]]) -> Iterator[tuple[str, bytes]]:
        """Yield name and result of finished sessions, in the order in which they are given.

        Args:
            wanted: Name and number of each.
        """
        chunk: list[tuple[str, int]] = []
        for one in wanted:
            chunk.append(one)
            if len(chunk) == _FETCH:
                yield from self._results(chunk)
                chunk = []
        if chunk:
            yield from self._results(chunk)

    def _results(self, chunk: list[tuple[str, int]]) -> Iterator[tuple[str, bytes]]:
        numbers = [number for _, number in chunk]
        query = select(
            RESULTS.c.session, RESULTS.c.data, RESULTS.c.checksum, SESSIONS.c.name, SESSIONS.c.label
        )
        joined = and_(SESSIONS.c.writer == RESULTS.c.writer, SESSIONS.c.id == RESULTS.c.session)
        mine = and_(joined, RESULTS.c.writer == self._writer, RESULTS.c.session.in_(numbers))
        rows = {row.session: row for row in self._connection.execute(query.where(mine))}
        for name, number in chunk:
            row = rows.get(number)
            if row is None:
                raise damaged(self.shard, f"the result of {name} is missing")
            result = Result(row.name, row.label or "", bytes(row.data), row.checksum)
            if row.name != name or not result_is_whole(result):
                raise damaged(self.shard, f"the result of {name}")
            yield name, unpack_result(result)

    def numbers(self, session: int) -> list[int]:
        """Return the numbers of a session's calls, as they were written."""
        mine = and_(CALLS.c.writer == self._writer, CALLS.c.session == session)
        return list(self._connection.scalars(select(CALLS.c.seq).where(mine).order_by(CALLS.c.seq)))

    def places(self) -> Iterator[tuple[int, tuple[int, int, int, int]]]:
        """Yield every call's number and its (session, draft, step, attempt), by number."""
        c = CALLS.c
        query = select(c.seq, c.session, c.draft, c.step, c.attempt).where(c.writer == self._writer)
        for seq, *place in self._connection.execute(query.order_by(c.seq)):
            yield seq, tuple(place)

    def counts(self) -> dict[str, int]:
        """Return the number of calls of every session that has any."""
        per = select(CALLS.c.session, func.count()).where(CALLS.c.writer == self._writer)
        counted = self._connection.execute(per.group_by(CALLS.c.session)).all()
        named = {one.number: one.name for one in self.sessions()}
        return {named[number]: calls for number, calls in counted}

    def calls(self, session: str, number: int | None = None) -> list[CallRow]:
        """Return a session's calls in the order of writing, each request byte for byte.

        Args:
            session: Its name.
            number: Its number, if that is known.
        """
        number = self.number_of(session) if number is None else number
        if number is None:
            return []
        return [self.call(session, seq) for seq in self.numbers(number)]

    def call(self, session: str, seq: int) -> CallRow:
        """Rebuild the call of a number, which is one of `session`."""
        record = self.records.record(seq)
        return CallRow(
            key=CallKey(
                session=session, draft=record.draft, step=record.step, attempt=record.attempt
            ),
            role=Role(self._kind(record.kind).role),
            endpoint=self._kind(record.kind).endpoint,
            request_hash=record.request_hash.hex(),
            request=self.records.request(seq),
            result=self.result(record),
        )

    def recorded(self, session: str, number: int) -> list[tuple[Record, CallResult]]:
        """Return what came back from a session's calls, without rebuilding their requests.

        Args:
            session: Its name.
            number: Its number.
        """
        records = [self.records.record(seq) for seq in self.numbers(number)]
        for record in records:
            if record.session != number:
                raise damaged(self.shard, f"a call of {session}")
        return [(record, self.result(record)) for record in records]

    def result(self, record: Record) -> CallResult:
        """Rebuild what came back from a call."""
        kind = self._kind(record.kind)
        told = {"model": kind.model, "finish_reason": kind.finish_reason, **record.more}
        return CallResult(
            outcome=Outcome(kind.outcome),
            text=orjson.loads(b'"%b"' % record.said),
            usage=Usage(
                prompt_tokens=record.prompt_tokens,
                completion_tokens=record.completion_tokens,
                cached_tokens=record.cached_tokens,
            ),
            latency_ms=record.latency_ms,
            **told,
        )

    def _kind(self, number: int) -> Kind:
        if number not in self._kinds:
            self.totals()
        kind = self._kinds.get(number)
        if kind is None:
            raise damaged(self.shard, f"the totals of kind {number} are missing")
        return kind
