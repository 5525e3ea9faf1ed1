"""What tables share, whatever carries them: columns by name, rows, and the rows of a session."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from corpus.formats.limits import MAX_UTTERANCES
from domain.errors import TranscriptError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Row = tuple[int, tuple[Any, ...], str]
"""Its line or number, the values that were asked for, and what is wrong with it ("" for nothing).

A row that is wrong may lack values: they are None."""

MAX_ROWS = MAX_UTTERANCES * 12
"""Rows of one session: AnnoMI repeats an utterance for each of up to ten annotators."""


@dataclass(frozen=True)
class Table:
    """A table that can be gone through more than once."""

    name: str
    unit: str
    """What its rows are counted in: `line` or `row`."""
    columns: tuple[str, ...]
    rows: Callable[[Sequence[int]], Iterator[Row]]
    """Yields every row, with the columns of these numbers."""
    small: bool
    """Whether it may be held in memory."""

    def has(self, *names: str) -> bool:
        """Tell whether all these columns are there."""
        return all(name in self.columns for name in names)

    def at(self, name: str) -> int:
        """Return the number of a column.

        Raises:
            TranscriptError: There is none of this name.
        """
        if name not in self.columns:
            raise TranscriptError(
                f"the table lacks the column {name[:60]}",
                where=self.name,
                expected="a column of the table",
                got=", ".join(self.columns)[:200],
                mend="Correct --columns or corpus.reading.columns.",
            )
        return self.columns.index(name)


def by_session(table: Table, columns: Sequence[int]) -> Iterator[tuple[str, list[Row]]]:
    """Yield each session's rows; the first of `columns` says which session a row belongs to.

    A table that is not small is gone through twice: its sessions must stand together, or they
    could not be told to be whole without holding all of it.

    Raises:
        TranscriptError: The table is damaged, or large and not in order.
    """
    if table.small:
        together: dict[str, list[Row]] = {}
        for row in table.rows(columns):
            together.setdefault(_key(row), []).append(row)
        yield from together.items()
        return
    _check_order(table, columns)
    for key, rows in groupby(table.rows(columns), key=_key):
        held = [row for number, row in enumerate(rows) if number <= MAX_ROWS]
        yield key, held


def _check_order(table: Table, columns: Sequence[int]) -> None:
    """Refuse a table in which a session goes on after another; eight bytes are kept of each."""
    seen: set[int] = set()
    before = None
    for row in table.rows(columns[:1]):
        key = _key(row)
        if key == before:
            continue
        before = key
        digest = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")
        if digest in seen:
            raise TranscriptError(
                "the rows of a session do not stand together",
                where=f"{table.name}, {table.unit} {row[0]}",
                expected="a table of this size in the order of its sessions",
                got="a session that goes on after another one",
                mend=f"Sort the table by its column {table.columns[columns[0]]}.",
            )
        seen.add(digest)


def _key(row: Row) -> str:
    value = row[1][0]
    return value.strip() if isinstance(value, str) else "" if value is None else str(value)
