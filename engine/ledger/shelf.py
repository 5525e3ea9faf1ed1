"""The shards of a ledger, open for reading: as they are needed, and a few at a time."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple, Self

from engine.ledger.reader import Reader
from engine.ledger.shards import reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

    from engine.ledger.place import Place
    from engine.ledger.shard import Shard

KEPT = 64
"""Shards kept open: a file takes three descriptors, and a process may have no more than 1,024."""


class _Open(NamedTuple):
    reader: Reader | None
    """None where the shard is empty."""
    close: Callable[[], None]


class Shelf:
    """Opens shards as they are read, and closes those that were not read for longest.

    Those in a database are read over one connection. To be closed; a context manager.

    Args:
        shards: In order.
        moment: Whether what is read is to be of one moment: of a file as long as it stays open,
            of a database as long as the shelf does. This takes a transaction that stays open too;
            shards that are sealed do not need it.
        keep: How many shards stay open.

    Raises:
        StoreError: From every method: a shard is damaged, of another version, or cannot be opened.
    """

    def __init__(self, shards: Sequence[Shard], *, moment: bool, keep: int = KEPT) -> None:
        self._shards = shards
        self._moment = moment
        self._keep = keep
        self._open: OrderedDict[int, _Open] = OrderedDict()
        self._database: Callable[[Shard], tuple[Connection, int] | None] | None = None
        self._connected = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._shards)

    def close(self) -> None:
        """Close what is open; it may be opened again."""
        while self._open:
            self._close_oldest()
        self._database = None
        self._connected.close()

    def readers(self) -> Iterator[Reader]:
        """Open one shard after the other, without those that are empty."""
        for at in range(len(self._shards)):
            reader = self.reader(at)
            if reader is not None:
                yield reader

    def reader(self, at: int) -> Reader | None:
        """Return the reader of a shard, by its place; None where it is empty.

        It can be used until as many others have been asked for as stay open.
        """
        found = self._open.get(at)
        if found is None:
            if len(self._open) >= self._keep:
                self._close_oldest()
            found = self._open[at] = self._opened(self._shards[at])
        else:
            self._open.move_to_end(at)
        return found.reader

    def _close_oldest(self) -> None:
        _, oldest = self._open.popitem(last=False)
        oldest.close()

    def _opened(self, shard: Shard) -> _Open:
        with ExitStack() as stack:
            if shard.place is not None:
                opened = self._in_database(shard, shard.place)
            else:
                opened = stack.enter_context(reading(shard, moment=self._moment))
            reader = None if opened is None else Reader(shard, *opened)
            return _Open(reader, stack.pop_all().close)

    def _in_database(self, shard: Shard, place: Place) -> tuple[Connection, int] | None:
        if self._database is None:
            from engine.ledger.postgres import writers

            connected = writers.reading_run(place, moment=self._moment)
            self._database = self._connected.enter_context(connected)
        return self._database(shard)
