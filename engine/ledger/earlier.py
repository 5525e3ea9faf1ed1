"""What earlier shards hold of the sessions that are played here: their calls, to be recalled."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from engine.ledger.recall import recalled
from engine.ledger.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from domain.call import CallKey, CallResult
    from engine.ledger.shard import Shard

_SESSIONS = 4096
"""Sessions whose calls are kept at hand while they are resumed."""
_KEPT = 16
"""Shards kept open; a worker needs its descriptors for connections to endpoints."""

Place = tuple[int, int, int]


class Recorded(NamedTuple):
    """A recorded call, as far as recalling it goes."""

    place: Place
    outcome: str
    request_hash: str
    result: CallResult


class _Part(NamedTuple):
    """What one shard holds of a session."""

    shard: int
    """Its place among the earlier ones."""
    number: int
    """The session's number in it."""
    ended: bool
    """Whether it has a result of the session."""


class Earlier:
    """Recalls calls from shards that nobody writes to any more.

    Which shards hold a session is looked up once, so that many of them cost a session nothing; a
    call is read when its session is asked for. No transaction stays open in between.

    Args:
        shards: By epoch and worker.
        again: Sessions that had ended and are played again, see `engine.ledger.recall`.

    Raises:
        StoreError: A shard is damaged, or the database does not answer; from every method.
    """

    def __init__(self, shards: Sequence[Shard], again: Collection[str] = ()) -> None:
        self._again = again
        self._parts: dict[str, list[_Part]] = {}
        self._known: OrderedDict[str, dict[Place, Recorded]] = OrderedDict()
        with ExitStack() as opening:
            self._shelf = opening.enter_context(Shelf(shards, moment=False, keep=_KEPT))
            self._look_through()
            if self._parts:
                opening.pop_all()

    def _look_through(self) -> None:
        for shard in range(len(self._shelf)):
            reader = self._shelf.reader(shard)
            for number, name, label in reader.recallable(self._again) if reader else ():
                self._parts.setdefault(name, []).append(_Part(shard, number, label is not None))

    def call(self, key: CallKey) -> Recorded | None:
        """Return a recorded call; None where it is to be asked."""
        parts = self._parts.get(key.session)
        if parts is None:
            return None
        known = self._known.get(key.session)
        if known is None:
            known = self._known[key.session] = self._session(key.session, parts)
            if len(self._known) > _SESSIONS:
                self._known.popitem(last=False)
        return known.get((key.draft, key.step, key.attempt))

    def _session(self, session: str, parts: list[_Part]) -> dict[Place, Recorded]:
        """Read what is recalled of a session.

        Up to its result it had ended and is played again. What stands in later shards is of a run
        that played it again and was killed: there it goes on like any other.
        """
        known: dict[Place, Recorded] = {}
        ended = max((part.shard for part in parts if part.ended), default=-1)
        for part in parts:
            rows = self._recorded(session, part)
            known.update(recalled(rows, again=session in self._again and part.shard <= ended))
        return known

    def _recorded(self, session: str, part: _Part) -> list[Recorded]:
        reader = self._shelf.reader(part.shard)
        found = reader.recorded(session, part.number) if reader else ()
        return [
            Recorded(
                (record.draft, record.step, record.attempt),
                result.outcome.value,
                record.request_hash.hex(),
                result,
            )
            for record, result in found
        ]

    def forget(self, session: str) -> None:
        """Keep nothing of a session that is finished."""
        self._known.pop(session, None)
        self._parts.pop(session, None)

    def close(self) -> None:
        """Close the shards."""
        self._shelf.close()
