"""Reading a ledger folder: every shard checked, every call with its request rebuilt."""

from __future__ import annotations

import zlib
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, create_engine, func, select
from sqlalchemy.exc import DatabaseError

from domain.call import CallKey, CallRow, Role
from domain.errors import StoreError
from engine import shards
from engine.budget import CHARS_A_TOKEN, Share
from engine.delta import restore
from engine.rows import UNANSWERED, Stored, checksum, result_is_whole
from engine.schema import CALLS, RESULTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from engine.shards import Shard

_REQUEST_INFLATES = 5
"""Characters to a byte of `added`, and of `answer`, in a measured campaign of 12 sessions."""
_ANSWER_INFLATES = 2


@dataclass(frozen=True)
class Totals:
    """What a run has spent."""

    calls: int
    tokens: int
    """Prompt and completion tokens, as reported."""
    cached_tokens: int
    by_role: dict[str, int]
    """Calls by role."""
    by_outcome: dict[str, int]
    """Calls by outcome."""


class Store:
    """Reads all shards of a folder; an absent folder is an empty store.

    Raises:
        StoreError: From every method: a foreign file in the folder, or a damaged shard.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def results(self) -> dict[str, bytes]:
        """Return the result of every finished item; where two epochs have one, the later's."""
        found: dict[str, bytes] = {}
        for shard, connection in self._shards():
            for item, packed, crc in connection.execute(select(RESULTS)):
                if not result_is_whole(item, packed, crc):
                    raise shards.damaged(shard, f"the result of {item}")
                found[item] = zlib.decompress(packed)
        return found

    def finished(self) -> set[str]:
        """Return the ids of the finished items, without reading their results."""
        ids: set[str] = set()
        for _, connection in self._shards():
            ids.update(connection.scalars(select(RESULTS.c.item)))
        return ids

    def calls(self, session: str) -> tuple[CallRow, ...]:
        """Return a session's calls by draft, step and attempt, each request byte for byte.

        Raises:
            StoreError: Two shards hold different calls under one key.
        """
        found: dict[tuple[int, int, int], tuple[CallRow, Shard]] = {}
        for shard, connection in self._shards():
            rows = connection.execute(select(CALLS).where(CALLS.c.session == session))
            for raw in rows.all():
                row = _call(shard, connection, Stored(*raw))
                _same(found.get(_place(row)), row, shard)
                found[_place(row)] = row, shard
        return tuple(found[place][0] for place in sorted(found))

    def sessions(self) -> dict[str, int]:
        """Return the number of calls of every session that has any."""
        counts: Counter[str] = Counter()
        for _, connection in self._shards():
            query = select(CALLS.c.session, func.count()).group_by(CALLS.c.session)
            for session, calls in connection.execute(query):
                counts[session] += calls
        return dict(counts)

    def totals(self) -> Totals:
        """Add up what was spent; a call that a crash had paid for twice counts twice."""
        all_calls = all_tokens = all_cached = 0
        roles, outcomes = Counter[str](), Counter[str]()
        tokens = func.sum(CALLS.c.prompt_tokens + CALLS.c.completion_tokens)
        columns = (func.count(), tokens, func.sum(CALLS.c.cached_tokens))
        query = select(CALLS.c.role, CALLS.c.outcome, *columns)
        for _, connection in self._shards():
            for row in connection.execute(query.group_by(CALLS.c.role, CALLS.c.outcome)):
                role, outcome, calls, used, cached = row
                roles[role] += calls
                outcomes[outcome] += calls
                all_calls, all_tokens = all_calls + calls, all_tokens + int(used)
                all_cached += int(cached)
        return Totals(all_calls, all_tokens, all_cached, dict(roles), dict(outcomes))

    def spent(self) -> Share:
        """Return what counts against the budget: `totals`, unreported tokens estimated."""
        each = [spent_in(shard) for shard in shards.list_shards(self.folder)]
        return Share(sum(one.calls or 0 for one in each), sum(one.tokens or 0 for one in each))

    def check(self) -> int:
        """Read every row of every shard and return how many calls are whole.

        Raises:
            StoreError: A row is not as it was written; the shard is named.
        """
        self.results()
        whole = 0
        for shard, connection in self._shards():
            requests: dict[int, bytes] = {0: b""}
            for raw in connection.execute(select(CALLS).order_by(CALLS.c.id)):
                row = _whole(shard, Stored(*raw))
                requests[row.id] = _rebuilt(shard, row, requests.get(row.base))
                whole += 1
        return whole

    def _shards(self) -> Iterator[tuple[Shard, Connection]]:
        for shard in shards.list_shards(self.folder):
            if shards.read_meta(shard) is None:
                continue
            with _reading(shard) as connection:
                yield shard, connection


def spent_in(shard: Shard) -> Share:
    """Return the calls and tokens that one shard holds; nothing where there is no shard yet.

    Tokens that an endpoint did not report are estimated, see `CHARS_A_TOKEN`, from the packed
    sizes: a budget that is resumed must not begin anew there.

    Raises:
        StoreError: It is damaged.
    """
    if not shard.path.exists() or shards.read_meta(shard) is None:
        return Share(0, 0)
    reported = CALLS.c.prompt_tokens + CALLS.c.completion_tokens
    request = CALLS.c.prefix + _REQUEST_INFLATES * func.length(CALLS.c.added)
    size = request + _ANSWER_INFLATES * func.length(CALLS.c.answer)
    missing = and_(reported == 0, CALLS.c.outcome.not_in([one.value for one in UNANSWERED]))
    tokens = func.sum(case((missing, size // CHARS_A_TOKEN), else_=reported))
    with _reading(shard) as connection:
        calls, used = connection.execute(select(func.count(), tokens).select_from(CALLS)).one()
    return Share(calls, int(used or 0))


@contextmanager
def _reading(shard: Shard) -> Iterator[Connection]:
    engine = create_engine("sqlite://", creator=lambda: shards.connect(shard.path))
    try:
        with engine.connect() as connection:
            yield connection
    except DatabaseError as error:
        raise shards.damaged(shard, str(error.orig)) from error
    finally:
        engine.dispose()


def _whole(shard: Shard, row: Stored) -> Stored:
    if checksum(tuple(row[:-1])) != row.checksum:
        raise shards.damaged(shard, f"call {row.session}/{row.draft}/{row.step}/{row.attempt}")
    return row


def _call(shard: Shard, connection: Connection, row: Stored) -> CallRow:
    """Rebuild a call, following its request's bases back to the shard's first."""
    chain = [_whole(shard, row)]
    while chain[-1].base:
        found = connection.execute(select(CALLS).where(CALLS.c.id == chain[-1].base)).first()
        if found is None:
            raise shards.damaged(shard, f"row {chain[-1].base} is missing")
        chain.append(_whole(shard, Stored(*found)))
    request: bytes = b""
    for link in reversed(chain):
        request = _rebuilt(shard, link, request)
    return CallRow(
        key=CallKey(session=row.session, draft=row.draft, step=row.step, attempt=row.attempt),
        role=Role(row.role),
        endpoint=row.endpoint,
        request_hash=row.request_hash.hex(),
        request=request,
        result=row.result(),
    )


def _rebuilt(shard: Shard, row: Stored, base: bytes | None) -> bytes:
    try:
        request = restore(base or b"", row.prefix, row.added)
    except zlib.error as error:
        raise shards.damaged(shard, f"the request of row {row.id}: {error}") from error
    if sha256(request).digest() != row.request_hash:
        raise shards.damaged(shard, f"the request of row {row.id}")
    return request


def _place(row: CallRow) -> tuple[int, int, int]:
    return row.key.draft, row.key.step, row.key.attempt


def _same(known: tuple[CallRow, Shard] | None, row: CallRow, shard: Shard) -> None:
    if known is None:
        return
    before, where = known
    one, two = before.result, row.result
    if one.outcome in UNANSWERED:
        return  # no model saw it, and a resumed run asked again
    if (before.request_hash, one.outcome, one.text) != (row.request_hash, two.outcome, two.text):
        raise StoreError(
            "two shards hold different calls under one key",
            where=f"{where.path} and {shard.path}",
            expected=f"one call {row.key}",
            got="two that differ in request or answer",
            mend="Keep the shard of the later epoch and move the other out of the folder.",
        )
