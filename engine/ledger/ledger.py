"""The call ledger: every model call is written here before its answer is used.

It is the trace, the bill and the resume log: on resume a recorded call is recalled, never paid
for again, after its request has been checked against the one about to be sent.
"""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import Future
from contextlib import ExitStack
from typing import TYPE_CHECKING

from domain.errors import RehearsalError, ResumeRefusedError
from engine.ledger import shards
from engine.ledger.batcher import Batcher
from engine.ledger.earlier import Earlier
from engine.ledger.scribe import Scribe
from engine.ledger.writer import Writer, unstorable
from engine.limits.gates import Gates
from engine.spending.wallet import Wallet, open_wallet

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from domain.call import CallKey, CallResult, CallRow, Reservation
    from domain.gate import Gate
    from domain.settings import RoleSettings
    from engine.ledger.earlier import Place
    from engine.ledger.shard import Shard

_SESSIONS = 4096
"""Sessions whose calls are kept at hand while they are played."""


class Ledger:
    """A `Journal` over one shard of its own, which only it writes, and the earlier ones.

    Belongs to one event loop. Nothing is kept in memory of an item that is finished.

    Args:
        shard: The shard to create.
        run_hash: Hash of prompts and config, kept in the shard.
        earlier: Sealed shards to recall from, by epoch and worker.
        wallet: What may be spent; nothing is limited without one.
        page_limit: Bound on the shard's size in SQLite pages; None leaves it to the disk.
        gates: The ways into the endpoints, where they are shared with other workers.
        again: Items that had ended and are played again, see `engine.ledger.earlier`.

    Raises:
        StoreError: The shard cannot be created, or an earlier one is damaged.
    """

    def __init__(
        self,
        shard: Shard,
        run_hash: str,
        earlier: Sequence[Shard] = (),
        wallet: Wallet | None = None,
        page_limit: int | None = None,
        gates: Gates | None = None,
        again: Collection[str] = (),
    ) -> None:
        self._gates = gates or Gates()
        self._wallet = wallet or open_wallet()
        self._where = shard.where
        self._own: OrderedDict[str, dict[Place, tuple[str, CallResult]]] = OrderedDict()
        self._scribe = Scribe()
        self._writer = Writer(shard.where, lambda: shards.create(shard, run_hash, page_limit))
        self._batcher = Batcher(self._writer, self._scribe.take)
        with ExitStack() as opening:
            self._earlier = Earlier(earlier, again)
            opening.callback(self._earlier.close)
            opened: Future[None] = Future()
            self._writer.start(opened)
            opened.result()
            opening.pop_all()

    def recall(self, key: CallKey, request_hash: str) -> CallResult | None:
        """Return the recorded result of `key`, or None if it was never asked.

        Raises:
            ResumeRefusedError: The recorded request differs from the one about to be sent.
        """
        own = self._own.get(key.session)
        if own is not None:
            found = own.get((key.draft, key.step, key.attempt))
            if found is not None:
                _check(key, found[0], request_hash)
                return found[1]
        recorded = self._earlier.call(key)
        if recorded is None:
            return None
        _check(key, recorded.request_hash, request_hash)
        self._wallet.cohort.recalled(key.session)
        return recorded.result

    def gate(self, endpoint: RoleSettings) -> Gate:
        """Return the way into `endpoint`, which every call to it goes through."""
        return self._gates.gate(endpoint)

    async def permit(self, call: Reservation) -> None:
        """Allow a new call and set aside what it may cost.

        Raises:
            BudgetReachedError: The run may spend no more, or its time is over.
            InterruptedRunError: The run is being stopped.
        """
        await self._wallet.permit(call)

    async def record(self, row: CallRow) -> None:
        """Write `row`; return once its batch is committed.

        Raises:
            StoreError: The disk is full, the shard is damaged, or a newer run owns the store. Or
                the row cannot be stored, which harms no other.
        """
        self._wallet.settle(row)
        self._refuse()
        try:
            batch = self._scribe.add(row)
        except (TypeError, ValueError) as error:
            raise unstorable(error, f"{self._where}, call {row.key}") from error
        await self._batcher.joined(batch)
        key = row.key
        own = self._own.get(key.session)
        if own is None:
            own = self._own[key.session] = {}
            if len(self._own) > _SESSIONS:
                self._own.popitem(last=False)
        own[key.draft, key.step, key.attempt] = row.request_hash, row.result

    async def finish(self, item: str, data: bytes, label: str = "") -> None:
        """Write a finished item's result: it never runs again.

        Args:
            item: Its id.
            data: Its result.
            label: A short word that finished items are counted by; means nothing here.

        Raises:
            StoreError: As for `record`.
        """
        self._refuse()
        await self._batcher.joined(self._scribe.finish(item, label, data))
        self._own.pop(item, None)
        self._earlier.forget(item)

    def _refuse(self) -> None:
        if self._writer.failed is not None:
            raise self._writer.failed

    def stop(self, error: RehearsalError) -> None:
        """Refuse every new call with `error`; calls in flight are still recorded."""
        self._wallet.stop(error)

    def close(self) -> None:
        """Write what has queued and close the shard."""
        self._batcher.close()
        self._writer.stop()
        self._earlier.close()


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
