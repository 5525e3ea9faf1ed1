"""Whether a shard is whole: every block, result and total read, every request rebuilt."""

from __future__ import annotations

from collections import Counter
from itertools import zip_longest
from typing import TYPE_CHECKING

from engine.ledger.shard import damaged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.ledger.block import Record
    from engine.ledger.reader import Reader


def audit(reader: Reader) -> int:
    """Read everything in a shard and return how many calls it holds.

    Raises:
        StoreError: Something is not as it was written.
    """
    named = {one.number: one for one in reader.sessions()}
    totals = reader.totals()
    for _ in reader.results(reader.finished().items()):
        pass
    counts: Counter[int] = Counter()
    places = reader.places()
    calls = 0
    for found, listed in zip_longest(records(reader), places):
        calls += 1
        if found is None or listed is None or (found[0], found[1].place) != listed:
            raise damaged(reader.shard, f"call number {calls} does not stand where it should")
        seq, record = found
        if record.session not in named:
            raise damaged(reader.shard, f"session number {record.session} is missing")
        reader.call(named[record.session].name, seq)
        counts[record.kind] += 1
    if {one.number: one.calls for one in totals} != dict(counts):
        raise damaged(reader.shard, "totals that are not those of its calls")
    return calls


def records(reader: Reader) -> Iterator[tuple[int, Record]]:
    """Yield number and record of every call; a StoreError where a block is not whole."""
    for block in reader.records.blocks():
        for place, record in enumerate(reader.records.unpack(block)):
            yield block.first + place, record
