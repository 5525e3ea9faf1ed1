"""Reads the rows of a damaged SQLite file page by page, without its b-trees and its schema.

A page says itself what it is and where its cells lie, and a row's header says of what type its
columns are: so a broken root, interior or first page costs nothing of what stands on the others.
The format is that of sqlite.org/fileformat2.html, whose sections are named below. Pages that are
no longer in use may still hold old rows: what is yielded is to be checked, and may come twice.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Value = int | str | bytes | None
Row = tuple[Value, ...]

_MAGIC = b"SQLite format 3\x00"
_HEADER = 100
_PAGE = 4096
"""Bytes of a page where the file's header cannot say it: SQLite's default, which shards have."""
_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR = 13, 10, 2
"""Pages with rows; tables without rowid are indexes, whose interior pages have rows as well."""
_LOG_HEADER, _FRAME_HEADER = 32, 24
_INT_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_VARINT = 9


def rows(path: Path) -> Iterator[Row]:
    """Yield every row that can be read, of tables and of indexes, in the order of the pages.

    Raises:
        OSError: The file cannot be read at all.
    """
    with closing(_Pages(path)) as pages:
        for number in range(1, pages.count + 1):
            yield from pages.rows(number)


class _Pages:
    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb")
        head = self._file.read(_HEADER)
        self._size, reserved = _sizes(head)
        self._usable = self._size - reserved
        self._log = _logged(path.with_name(path.name + "-wal"), self._size)
        whole = -(-path.stat().st_size // self._size)
        self.count = max(whole, *self._log) if self._log else whole

    def close(self) -> None:
        self._file.close()

    def rows(self, number: int) -> Iterator[Row]:
        """Yield the rows whose cells begin on a page (1.6)."""
        page, start = self._page(number), _HEADER if number == 1 else 0
        kind = page[start]
        if kind not in (_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR):
            return
        first = start + (12 if kind == _INDEX_INTERIOR else 8)
        cells = _number(page[start + 3 : start + 5])
        for pointer in range(first, min(first + 2 * cells, self._size - 1), 2):
            try:
                row = _values(self._payload(page, kind, _number(page[pointer : pointer + 2])))
            except (IndexError, ValueError):
                continue  # damaged, or it goes on in a page that is
            yield row

    def _page(self, number: int) -> bytes:
        """Return a page, as the log has it if it does; what the file lacks of it is zeros."""
        if number in self._log:
            return self._log[number]
        self._file.seek((number - 1) * self._size)
        return self._file.read(self._size).ljust(self._size, b"\x00")

    def _payload(self, page: bytes, kind: int, at: int) -> bytes:
        """Return a cell's row, with what of it is on overflow pages (1.6, "payload")."""
        length, at = _varint(page, at + 4 if kind == _INDEX_INTERIOR else at)
        if kind == _TABLE_LEAF:
            _, at = _varint(page, at)
            most = self._usable - 35
        else:
            most = (self._usable - 12) * 64 // 255 - 23
        if length <= most:
            return _exactly(page[at : at + length], length)
        if length > self.count * self._size:
            raise ValueError(f"a row of {length} bytes")
        least = (self._usable - 12) * 32 // 255 - 23
        local = least + (length - least) % (self._usable - 4)
        local = least if local > most else local
        parts = [_exactly(page[at : at + local], local)]
        left, follow = length - local, _number(page[at + local : at + local + 4])
        while left > 0:
            if not 0 < follow <= self.count:
                raise ValueError(f"page {follow} follows")
            page = self._page(follow)
            parts.append(page[4 : min(4 + left, self._usable)])
            left, follow = left - len(parts[-1]), _number(page[:4])
        return b"".join(parts)


def _sizes(head: bytes) -> tuple[int, int]:
    """Return the size of a page and the bytes of it that are not used (1.3)."""
    size = _number(head[16:18]) if head.startswith(_MAGIC) else 0
    size = 65536 if size == 1 else size
    return (size, head[20]) if size >= 512 and not size & (size - 1) else (_PAGE, 0)


def _logged(path: Path, size: int) -> dict[int, bytes]:
    """Return the pages of a write-ahead log, as its last commit left them (4.1 to 4.4).

    Its checksums are not compared: what is not whole is found by the rows' own.
    """
    if not path.is_file():
        return {}
    committed: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    with path.open("rb") as file:
        salts = file.read(_LOG_HEADER)[16:24]
        while len(frame := file.read(_FRAME_HEADER + size)) == _FRAME_HEADER + size:
            if frame[8:16] != salts:
                break  # left from before the log was begun anew
            pending[_number(frame[:4])] = frame[_FRAME_HEADER:]
            if _number(frame[4:8]):
                committed |= pending
                pending = {}
    return committed


def _values(payload: bytes) -> Row:
    """Take apart a row (2.1); a ValueError or IndexError where it is none of ours."""
    end, at = _varint(payload, 0)
    types = []
    while at < end:
        kind, at = _varint(payload, at)
        types.append(kind)
    found: list[Value] = []
    for kind in types:
        length = _INT_BYTES.get(kind, (kind - 12) // 2 if kind > 11 else 0)
        data = _exactly(payload[at : at + length], length)
        at += length
        if kind in _INT_BYTES:
            found.append(int.from_bytes(data, "big", signed=True))
        elif kind > 11:
            found.append(data.decode() if kind % 2 else data)
        else:
            found.append({0: None, 8: 0, 9: 1}[kind] if kind in (0, 8, 9) else _no_type(kind))
    return tuple(found)


def _no_type(kind: int) -> int:
    raise ValueError(f"no column of a ledger has type {kind}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of 1 to 9 bytes, seven bits in each but the ninth, and where it ends."""
    value = 0
    for place in range(at, at + _VARINT - 1):
        byte = data[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    return value << 8 | data[at + _VARINT - 1], at + _VARINT


def _exactly(data: bytes, length: int) -> bytes:
    if len(data) != length:
        raise ValueError(f"{length} bytes were expected, not {len(data)}")
    return data


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")
