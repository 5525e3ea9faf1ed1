"""The call ledger: every model call is written here before its answer is used.

It is the trace, the bill and the resume log: on resume a recorded call is recalled, never paid
for again, after its request has been checked against the one about to be sent.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import OrderedDict
from concurrent.futures import Future
from typing import TYPE_CHECKING

from domain.errors import RehearsalError, ResumeRefusedError
from engine import shards
from engine.budget import Allowance, Share, tokens_of
from engine.gates import Gates
from engine.rows import UNANSWERED, Stored, checksum
from engine.writer import Write, Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.call import CallKey, CallResult, CallRow, Reservation
    from domain.gate import Gate
    from domain.settings import RoleSettings
    from engine.shards import Shard

_SESSIONS = 4096
"""Sessions whose calls are kept at hand while they are played or resumed."""

Place = tuple[int, int, int]


class Ledger:
    """A `Journal` over one shard of its own, which only it writes, and the earlier ones.

    Args:
        shard: The shard to create.
        run_hash: Hash of prompts and config, kept in the shard.
        earlier: Shards to recall from; sealed, or of sessions that are not played here.
        share: What may be spent.
        page_limit: Bound on the shard's size in SQLite pages; None leaves it to the disk.
        gates: The ways into the endpoints, where they are shared with other workers.

    Raises:
        StoreError: The shard cannot be created, or an earlier one is damaged.
    """

    def __init__(
        self,
        shard: Shard,
        run_hash: str,
        earlier: Sequence[Shard] = (),
        share: Share = Share(),  # noqa: B008 - frozen
        page_limit: int | None = None,
        gates: Gates | None = None,
    ) -> None:
        self._gates = gates or Gates()
        self._allowance = Allowance(share)
        self._stop: RehearsalError | None = None
        self._earlier = [_Reader(one) for one in earlier]
        self._known: OrderedDict[str, dict[Place, Stored]] = OrderedDict()
        self._own: OrderedDict[str, dict[Place, tuple[str, CallResult]]] = OrderedDict()
        self._writer = Writer(shard, run_hash, page_limit)
        opened: Future[None] = Future()
        self._writer.start(opened)
        opened.result()

    def recall(self, key: CallKey, request_hash: str) -> CallResult | None:
        """Return the recorded result of `key`, or None if it was never asked.

        Raises:
            ResumeRefusedError: The recorded request differs from the one about to be sent.
        """
        place = (key.draft, key.step, key.attempt)
        own = self._own.get(key.session, {}).get(place)
        if own is not None:
            _check(key, own[0], request_hash)
            return own[1]
        if not self._earlier:
            return None
        stored = self._session(key.session).get(place)
        if stored is None:
            return None
        _check(key, stored.request_hash.hex(), request_hash)
        return stored.result()

    def gate(self, endpoint: RoleSettings) -> Gate:
        """Return the way into `endpoint`, which every call to it goes through."""
        return self._gates.gate(endpoint)

    async def permit(self, call: Reservation) -> None:
        """Allow a new call and set aside what it may cost.

        Raises:
            BudgetReachedError: The share is spent.
            InterruptedRunError: The run is being stopped.
        """
        if self._stop is not None:
            raise self._stop
        self._allowance.permit(call.key)

    async def record(self, row: CallRow) -> None:
        """Write `row`; return once its batch is committed.

        Raises:
            StoreError: The disk is full, the shard is damaged, or a newer run owns the store.
        """
        self._allowance.settle(tokens_of(row))
        await self._put(row)
        key = row.key
        own = self._own.setdefault(key.session, {})
        own[key.draft, key.step, key.attempt] = row.request_hash, row.result
        if len(self._own) > _SESSIONS:
            self._own.popitem(last=False)

    async def finish(self, item: str, data: bytes) -> None:
        """Write a finished item's result: it never runs again.

        Raises:
            StoreError: As for `record`.
        """
        await self._put((item, data))
        self._own.pop(item, None)
        self._known.pop(item, None)

    async def _put(self, what: CallRow | tuple[str, bytes]) -> None:
        loop = asyncio.get_running_loop()
        told: asyncio.Future[None] = loop.create_future()
        self._writer.put(Write(what, loop, told))
        await told

    def stop(self, error: RehearsalError) -> None:
        """Refuse every new call with `error`; calls in flight are still recorded."""
        self._stop = error

    def close(self) -> None:
        """Write what has queued and close the shard."""
        self._writer.stop()
        for reader in self._earlier:
            reader.close()

    def _session(self, session: str) -> dict[Place, Stored]:
        known = self._known.get(session)
        if known is None:
            known = {}
            for reader in self._earlier:
                known.update(_answered(reader.calls(session)))
            self._known[session] = known
            if len(self._known) > _SESSIONS:
                self._known.popitem(last=False)
        return known


def _answered(rows: list[Stored]) -> dict[Place, Stored]:
    """Leave out the steps at which one shard has no attempt that a model saw.

    A resumed run may ask there again: a server that was down or overloaded, or an account that
    was empty, must not cost the session for good. It is done shard by shard, so that what a later
    run asked anew never mixes with what it had left out.
    """
    answered = {row.place[:2] for row in rows if row.outcome not in UNANSWERED}
    return {row.place: row for row in rows if row.place[:2] in answered}


class _Reader:
    """Looks a session's calls up in an earlier shard."""

    def __init__(self, shard: Shard) -> None:
        self._shard = shard
        self._path = shard.path
        self._empty = shards.read_meta(shard) is None
        try:
            self._connection = shards.connect(shard.path)
        except sqlite3.Error as error:
            raise shards.told(error, self._path) from error

    def calls(self, session: str) -> list[Stored]:
        if self._empty:
            return []
        try:
            found = self._connection.execute("SELECT * FROM calls WHERE session = ?", (session,))
            rows = [Stored(*row) for row in found]
        except sqlite3.Error as error:
            raise shards.told(error, self._path) from error
        for row in rows:
            if checksum(tuple(row[:-1])) != row.checksum:
                raise shards.damaged(self._shard, f"a call of {session}")
        return rows

    def close(self) -> None:
        self._connection.close()


def _check(key: CallKey, recorded: str, request_hash: str) -> None:
    if recorded != request_hash:
        raise ResumeRefusedError(
            "the request of a recorded call has changed",
            where=f"call {key}",
            expected=f"the recorded request, SHA-256 {recorded[:16]}…",
            got=f"a request with SHA-256 {request_hash[:16]}…",
            mend="Prompts, persona, config or program differ from the run that recorded it: "
            "restore them, or start a new run under another name.",
        )
