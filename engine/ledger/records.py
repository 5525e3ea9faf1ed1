"""The calls of one shard as they were written: in blocks, each request as what it adds to another.

Blocks stay unpacked and requests rebuilt while the next ones are likely to refer to them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import and_, select

from engine.ledger.block import Block, is_whole, unpack
from engine.ledger.delta import restore
from engine.ledger.schema import BATCHES
from engine.ledger.shard import damaged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from engine.ledger.block import Record
    from engine.ledger.shard import Shard

_BLOCKS = 256
"""Blocks kept unpacked: sessions that were played side by side share theirs."""
_REQUESTS = 1024
"""Requests kept rebuilt, for others that refer to them."""


class Records:
    """Reads a shard's blocks over an open connection.

    Raises:
        StoreError: From every method: what it reads is not as it was written.
    """

    def __init__(self, shard: Shard, connection: Connection, writer: int) -> None:
        self._shard = shard
        self._connection = connection
        self._writer = writer
        self._firsts: list[int] = []
        self._blocks: OrderedDict[int, list[Record]] = OrderedDict()
        self._requests: OrderedDict[int, bytes] = OrderedDict()

    def blocks(self) -> Iterator[Block]:
        """Yield every block, unchecked."""
        query = select(*list(BATCHES.columns)[1:]).where(BATCHES.c.writer == self._writer)
        for row in self._connection.execute(query.order_by(BATCHES.c.first)):
            yield _block(row)

    def record(self, seq: int) -> Record:
        """Return the call of a number, from its block."""
        if not self._firsts or seq > self._firsts[-1]:
            mine = select(BATCHES.c.first).where(BATCHES.c.writer == self._writer)
            self._firsts = list(self._connection.scalars(mine.order_by(BATCHES.c.first)))
        at = bisect_right(self._firsts, seq) - 1
        first = self._firsts[at] if at >= 0 else 0
        records = self._unpacked(first)
        if not first or seq - first >= len(records):
            raise damaged(self._shard, f"call number {seq} is missing")
        return records[seq - first]

    def _unpacked(self, first: int) -> list[Record]:
        found = self._blocks.get(first)
        if found is not None:
            self._blocks.move_to_end(first)
            return found
        query = select(*list(BATCHES.columns)[1:])
        mine = and_(BATCHES.c.writer == self._writer, BATCHES.c.first == first)
        row = self._connection.execute(query.where(mine)).first()
        found = [] if row is None else self.unpack(_block(row))
        self._blocks[first] = found
        if len(self._blocks) > _BLOCKS:
            self._blocks.popitem(last=False)
        return found

    def unpack(self, block: Block) -> list[Record]:
        """Return the calls of a block that is whole."""
        if not is_whole(block):
            raise damaged(self._shard, f"{block.calls} calls from number {block.first} on")
        return unpack(block)

    def request(self, seq: int) -> bytes:
        """Rebuild a request, from the first of those that it refers back to."""
        chain: list[int] = []
        at = seq
        while at and at not in self._requests:
            chain.append(at)
            at = self.record(at).base
        request = self._requests[at] if at else b""
        for link in reversed(chain):
            request = self._rebuilt(link, request)
            self._requests[link] = request
            if len(self._requests) > _REQUESTS:
                self._requests.popitem(last=False)
        return request

    def _rebuilt(self, seq: int, base: bytes) -> bytes:
        record = self.record(seq)
        request = restore(
            base,
            record.prefix,
            record.suffix,
            record.pieces,
            record.added,
            lambda number: self.record(number).said,
        )
        if sha256(request).digest() != record.request_hash:
            raise damaged(self._shard, f"the request of call number {seq}")
        return request


def _block(row: tuple[int, int, bytes, bytes, int] | object) -> Block:
    first, calls, hashes, data, checksum = row  # type: ignore[misc]
    return Block(first, calls, bytes(hashes), bytes(data), checksum)
