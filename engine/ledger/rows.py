"""Rows as the store keeps them, and their checksums: results, and the kinds of calls."""

from __future__ import annotations

import zlib
from typing import NamedTuple

import orjson
import zstandard

_LEVEL = 1
"""Level 3 took 3.5 µs more for a call and made a session 2% smaller, both with their own
defaults."""
_LEAST_MATCH = 7
"""Bytes that must agree, where level 1 takes 6: less is looked up and found in vain. Measured in
docs/performance.md, with `_TABLE`."""
_TABLE = 15
"""Bits of the table of places, where level 1 takes 13 or 14: finds what the longer match misses."""


class Kind(NamedTuple):
    """What many calls have in common."""

    role: str
    endpoint: str
    model: str
    """As the endpoint names it; empty where no answer came."""
    outcome: str
    finish_reason: str


class Tally:
    """A row of the `tallies` table: how many calls of a kind, and what they took."""

    __slots__ = (
        "cached",
        "calls",
        "completion",
        "estimated_completion",
        "estimated_prompt",
        "kind",
        "number",
        "prompt",
    )

    def __init__(self, number: int, kind: Kind) -> None:
        self.number = number
        self.kind = kind
        self.calls = self.prompt = self.completion = self.cached = 0
        self.estimated_prompt = self.estimated_completion = 0

    def row(self) -> tuple[int | str, ...]:
        """Return the row without its writer, checksum included."""
        estimates = (self.estimated_prompt, self.estimated_completion)
        counts = (self.calls, self.prompt, self.completion, self.cached, *estimates)
        told: tuple[int | str, ...] = (self.number, *self.kind, *counts)
        return (*told, tally_checksum(told))


def tally_checksum(told: tuple[int | str, ...]) -> int:
    """CRC-32 of a tally's columns from its kind's number to its spent tokens."""
    return zlib.crc32(orjson.dumps(told))


class Result(NamedTuple):
    """What the `results` table keeps of a finished item, with its name and label."""

    name: str
    label: str
    data: bytes
    checksum: int


def compressor() -> zstandard.ZstdCompressor:
    """Return what compresses blocks or results; one thread may use it again and again."""
    return zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters.from_level(
            _LEVEL, min_match=_LEAST_MATCH, hash_log=_TABLE
        )
    )


def pack_result(press: zstandard.ZstdCompressor, name: str, label: str, data: bytes) -> Result:
    """Compress an item's result."""
    packed = press.compress(data)
    return Result(name, label, packed, _checksum(name, label, packed))


def result_is_whole(result: Result) -> bool:
    """Whether a result is as it was written."""
    return _checksum(result.name, result.label, result.data) == result.checksum


def unpack_result(result: Result) -> bytes:
    """Return an item's bytes; of a result that `result_is_whole`."""
    return zstandard.ZstdDecompressor().decompress(result.data)


def _checksum(name: str, label: str, packed: bytes) -> int:
    return zlib.crc32(packed, zlib.crc32(f"{name}\n{label}".encode()))
