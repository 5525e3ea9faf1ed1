"""A block: calls that are committed together, compressed together.

One frame for many calls costs a fraction of what one for each does, in CPU and in bytes: calls
of different sessions share their notes and settings. The layout, after decompression:

    length of the records (4 bytes, little-endian) | records | literals

The records are JSON arrays, one to a line, each in the order of `Record` without its hash. The
literals follow each other in the order of the records: of each, what its request adds, then what
was answered, as the inside of a JSON string.
"""

from __future__ import annotations

import zlib
from typing import Any, NamedTuple

import orjson
import zstandard

from engine.ledger.rows import compressor

_SMALL = 16
"""Calls below which a batch is a small one."""
_ENOUGH = 64
"""Calls in small batches that are written once more."""
_HEAD = 4
HASH_BYTES = 32
"""Bytes of a SHA-256."""


class Record(NamedTuple):
    """One call in a block."""

    session: int
    """Number of the session in the shard."""
    draft: int
    step: int
    attempt: int
    kind: int
    """Number of the row of `tallies` that says its role, endpoint, model and outcome."""
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    latency_ms: float
    base: int
    """Number of the call whose request this one is told by; 0 for none."""
    prefix: int
    suffix: int
    pieces: list[int]
    more: dict[str, Any]
    """Of the result: reasoning, detail, retry_after_s, where there are any."""
    added: bytes
    """Literal bytes of the request."""
    said: bytes
    """The answer as the inside of a JSON string."""
    request_hash: bytes

    @property
    def place(self) -> tuple[int, int, int, int]:
        """(session, draft, step, attempt)."""
        return self.session, self.draft, self.step, self.attempt


class Block(NamedTuple):
    """A row of the `batches` table, without its writer."""

    first: int
    calls: int
    hashes: bytes
    data: bytes
    checksum: int


class Press:
    """Makes blocks; one per thread.

    Calls that come one by one are compressed badly alone. Small batches are kept at hand, and when
    there are enough of them they are written once more, as one block that takes their place.
    """

    def __init__(self) -> None:
        self._compressor = compressor()
        self._crumbs = Crumbs()

    def block(
        self, first: int, records: list[bytes], literals: list[bytes], hashes: list[bytes]
    ) -> Block:
        """Return the block of calls whose numbers begin at `first`.

        It may begin at an earlier one: then it replaces the blocks from there on.
        """
        crumbs = self._crumbs
        if len(records) >= _SMALL and not crumbs.records:
            return self._pack(first, records, literals, hashes)
        crumbs.add(first, records, literals, hashes)
        if len(crumbs.records) < _ENOUGH and len(records) < _SMALL:
            return self._pack(first, records, literals, hashes)
        self._crumbs = Crumbs()
        return self._pack(crumbs.first, crumbs.records, crumbs.literals, crumbs.hashes)

    def _pack(
        self, first: int, records: list[bytes], literals: list[bytes], hashes: list[bytes]
    ) -> Block:
        lines = b"\n".join(records)
        head = len(lines).to_bytes(_HEAD, "little")
        data = self._compressor.compress(b"".join((head, lines, *literals)))
        joined = b"".join(hashes)
        return Block(first, len(records), joined, data, checksum(first, len(records), joined, data))


class Crumbs:
    """Calls of small batches that follow each other."""

    def __init__(self) -> None:
        self.first = 0
        self.records: list[bytes] = []
        self.literals: list[bytes] = []
        self.hashes: list[bytes] = []

    def add(
        self, first: int, records: list[bytes], literals: list[bytes], hashes: list[bytes]
    ) -> None:
        """Add a batch."""
        self.first = self.first or first
        self.records += records
        self.literals += literals
        self.hashes += hashes


def checksum(first: int, calls: int, hashes: bytes, data: bytes) -> int:
    """CRC-32 of a block's other columns."""
    return zlib.crc32(data, zlib.crc32(hashes, zlib.crc32(b"%d %d" % (first, calls))))


def is_whole(block: Block) -> bool:
    """Whether a block is as it was written."""
    return checksum(block.first, block.calls, block.hashes, block.data) == block.checksum


def unpack(block: Block) -> list[Record]:
    """Return the calls of a block.

    Raises:
        ValueError: It is not one; a block that `is_whole` always is.
    """
    try:
        text = zstandard.ZstdDecompressor().decompress(block.data)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error
    at = _HEAD + int.from_bytes(text[:_HEAD], "little")
    records = []
    for number, line in enumerate(text[_HEAD:at].split(b"\n")):
        *fields, added, said, more = orjson.loads(line)
        answer = at + added
        request_hash = block.hashes[HASH_BYTES * number : HASH_BYTES * (number + 1)]
        parts = (more, text[at:answer], text[answer : answer + said], request_hash)
        records.append(Record._make((*fields, *parts)))
        at = answer + said
    return records
