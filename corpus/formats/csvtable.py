"""Tables as CSV, with commas, semicolons, tabs or bars between the fields."""

from __future__ import annotations

import csv
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from corpus.formats.limits import MAX_COLUMNS, MAX_SESSION_BYTES, SMALL_TABLE_BYTES
from corpus.formats.tables import Row, Table
from domain.errors import TranscriptError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from corpus.formats.decode import Head, TextFile

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_SUFFIXES = {".csv", ".tsv", ".tab"}


def looks_like(head: Head) -> str:
    """Say by what a table is told: its name, or two lines with the same number of fields."""
    first, _, rest = head.text.partition("\n")
    delimiter = _delimiter(first)
    if not delimiter:
        return ""
    if head.path.suffix.lower() in _SUFFIXES:
        return f"its first line names columns, with {_DELIMITERS[delimiter]} between them"
    try:
        rows = list(csv.reader([first, rest.partition("\n")[0]], delimiter=delimiter))
    except csv.Error:
        return ""
    names = rows[0]
    alike = len(rows) > 1 and len(rows[1]) == len(names) == len({*names})
    return f"its first lines have {len(names)} fields each" if alike and len(names) > 2 else ""


def table_of(file: TextFile) -> Table:
    """Return the table of a CSV file.

    Raises:
        TranscriptError: Its first line does not name columns.
    """
    csv.field_size_limit(MAX_SESSION_BYTES)
    with file.open() as stream:
        first = stream.readline(MAX_SESSION_BYTES).removeprefix("\ufeff")
    delimiter = _delimiter(first) or ","
    try:
        columns = [name.strip() for name in next(csv.reader([first], delimiter=delimiter))]
    except csv.Error as error:
        raise damaged(f"{file.name}, line 1", str(error)) from None
    if len(columns) > MAX_COLUMNS:
        raise damaged(f"{file.name}, line 1", f"{len(columns):,} columns")
    named = [name for name in columns if name]
    twice = next((name for name in named if named.count(name) > 1), "")
    if twice:
        raise damaged(f"{file.name}, line 1", f"the column {twice[:60]} twice")

    def rows(picked: Sequence[int]) -> Iterator[Row]:
        return _rows(file, delimiter, len(columns), picked)

    return Table(file.name, "line", tuple(columns), rows, file.size <= SMALL_TABLE_BYTES)


def _rows(file: TextFile, delimiter: str, width: int, picked: Sequence[int]) -> Iterator[Row]:
    single = len(picked) == 1
    pick = itemgetter(*picked)
    with file.open() as stream:
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        try:
            next(reader)
            for row in reader:
                if len(row) == width:
                    yield reader.line_num, (pick(row),) if single else pick(row), ""
                elif row:
                    yield reader.line_num, _short(row, width, picked), _odd(row, width)
        except csv.Error as error:
            raise damaged(f"{file.name}, line {reader.line_num}", str(error)) from None


def _short(row: list[str], width: int, picked: Sequence[int]) -> tuple[Any, ...]:
    """What a row of another width has of the columns that are asked for."""
    padded: list[str | None] = [*row[:width], *[None] * (width - len(row))]
    return tuple(padded[number] for number in picked)


def _odd(row: list[str], width: int) -> str:
    return f"a row of {len(row)} fields where the first line has {width}"


def _delimiter(line: str) -> str:
    """Return what stands between the fields of the first line most often, "" for nothing."""
    best = max(_DELIMITERS, key=line.count)
    return best if line.count(best) else ""


def damaged(where: str, got: str) -> TranscriptError:
    """Name where a table cannot be read on."""
    return TranscriptError(
        "the table is damaged",
        where=where,
        expected="a first line with the names of the columns, and as many fields in every row",
        got=got,
        mend="Export the table again.",
    )
