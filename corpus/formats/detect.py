"""Which reader a file needs, told by what is in it; the extension is only a hint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpus.formats import (
    annomi,
    arrowtable,
    chat,
    columns,
    csvtable,
    jsonvalues,
    plain,
    srt,
    webvtt,
)
from corpus.formats.decode import KINDS, Head, TextFile, head_of, text_head, whole_text
from corpus.formats.limits import MAX_SESSION_BYTES, MIB
from corpus.formats.raw import Skipped
from domain.errors import TranscriptError
from domain.settings import ReadingSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from corpus.formats.jsonvalues import Placed
    from corpus.formats.raw import Reading
    from corpus.formats.tables import Table

_AS_IT_IS = ReadingSettings()
_ONE_SESSION = {"vtt": webvtt, "srt": srt, "text": plain}


@dataclass(frozen=True)
class FileReading:
    """What one file is, why, and its sessions one after the other; SHA-256 and encoding of it."""

    format: str
    why: str
    sessions: Iterator[Reading]
    digest: str
    encoding: str = ""
    note: str = ""


def read_file(path: Path, reading: ReadingSettings | None = None) -> FileReading:
    """Read one transcript file.

    Raises:
        TranscriptError: The file cannot be read, or is of no known kind.
    """
    return read_files((path,), reading or _AS_IT_IS)


def read_files(paths: Sequence[Path], reading: ReadingSettings) -> FileReading:
    """Read the files of one data set as one; all but Arrow and Parquet stand alone.

    Raises:
        TranscriptError: They cannot be read, or are of no known kind.
    """
    data = head_of(paths[0])
    binary = arrowtable.kind_of(data)
    if binary:
        table = arrowtable.table_of(paths, binary)
        kind, why, sessions = _of_table(table, reading)
        return FileReading(kind, f"{binary}; {why}", sessions, arrowtable.digest_of(paths))
    head = text_head(paths[0], data, reading.encoding)
    kind, why = _kind_of(head)
    if kind in _ONE_SESSION:
        _refuse_large(head)
        file = whole_text(head)
        sessions = iter(_ONE_SESSION[kind].read(file.text(), file.name))
    else:
        file = whole_text(head)
        kind, why, sessions = _of_values(file) if kind == "json" else _of_csv(file, why, reading)
    return FileReading(kind, why, sessions, file.digest, file.encoding, file.note)


def _kind_of(head: Head) -> tuple[str, str]:
    """Return the kind and why: the last accepts most."""
    if webvtt.looks_like(head.text):
        return "vtt", "it begins with WEBVTT"
    if srt.looks_like(head.text):
        return "srt", "it begins with a caption's time"
    if jsonvalues.looks_like(head.text):
        return "json", ""
    if why := plain.looks_like(head.text):
        return "text", why
    if why := csvtable.looks_like(head):
        return "csv", why
    raise TranscriptError(
        "the file is of no kind that can be read",
        where=head.path.name,
        expected=KINDS,
        got=f"text that begins like none of them ({head.path.suffix or 'no extension'})",
        mend="Export the transcript as .vtt or .srt with speaker labels.",
    )


def _refuse_large(head: Head) -> None:
    if head.size > MAX_SESSION_BYTES:
        raise TranscriptError(
            "the file is too large to be one session",
            where=head.path.name,
            expected=f"at most {MAX_SESSION_BYTES // MIB} MiB",
            got=f"{head.size / MIB:.0f} MiB",
            mend="Split it into one file per session.",
        )


def _of_values(file: TextFile) -> tuple[str, str, Iterator[Reading]]:
    values = jsonvalues.json_values(file)
    held: list[Placed] = []
    for value in values:
        held.append(value)
        if not isinstance(value[1], Skipped):
            break
    kind, why = chat.kind_of(held[-1][1]) if held else ("", "")
    rest = _chained(held, values)
    if kind == "turns" or (kind == "" and any(chat.is_turn(value) for _, value in held)):
        return "turns", why, chat.loose_sessions(rest, file.name)
    return kind or "chat", why or "it is JSON", chat.sessions(rest, file.name)


def _chained(held: list[Placed], values: Iterable[Placed]) -> Iterator[Placed]:
    yield from held
    held.clear()
    yield from values


def _of_csv(
    file: TextFile, why: str, reading: ReadingSettings
) -> tuple[str, str, Iterator[Reading]]:
    kind, told, sessions = _of_table(csvtable.table_of(file), reading)
    return kind, f"{why}; {told}", sessions


def _of_table(table: Table, reading: ReadingSettings) -> tuple[str, str, Iterator[Reading]]:
    """Tell what a table holds: AnnoMI, sessions, utterances, or questions with answers."""
    if not reading.columns and annomi.looks_like(table):
        return "annomi", "the columns are AnnoMI's", annomi.read(table)
    key = next((key for key in chat.SESSION_KEYS if table.has(key)), "")
    if key and table.unit == "row" and not reading.columns:
        return _of_sessions(table, key)
    found = columns.mapped(table, dict[str, str](reading.columns.items()))
    if not found:
        raise columns.unclear(table)
    held = ", ".join(f"{use}: {name}" for use, name in found.items() if use != "kind")
    told = "by --columns" if reading.columns else "by their names"
    return columns.kind_of(found), f"columns {told}: {held}", columns.read(table, found)


def _of_sessions(table: Table, key: str) -> tuple[str, str, Iterator[Reading]]:
    """Read a table with a session to a row."""
    names = [key, *(n for n in ("topic", "problem_type", "quality", "group") if table.has(n))]
    picked = [table.at(name) for name in names]

    def values() -> Iterator[Placed]:
        for number, row, _ in table.rows(picked):
            place = f"{table.name}, row {number}"
            yield place, dict(zip(names, row, strict=True))

    first = next(values(), None)
    kind, why = chat.kind_of(first[1]) if first else ("chat", "it has no rows")
    return kind, why, chat.sessions(values(), table.name)
