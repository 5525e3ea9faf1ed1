"""AnnoMI's CSV: counselling sessions from a video platform, one row per utterance and annotator.

Source of the columns: Wu et al., AnnoMI, ICASSP 2022; Future Internet 15(3):110, 2023.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from corpus.formats.notes import quality_of
from corpus.formats.raw import RawSession, Reading, Skipped, Utterance
from corpus.formats.remarks import without_remarks
from domain.errors import TranscriptError

if TYPE_CHECKING:
    from collections.abc import Iterable

COLUMNS = ("transcript_id", "utterance_id", "interlocutor", "utterance_text")
"""Without these a table is not AnnoMI's; the others are used where they are present."""

_CLOCK = re.compile(r"^(?:(\d+):)?(\d{1,2}):(\d{2})$")

Row = dict[str, str]


def looks_like(text: str) -> bool:
    """Tell a table by its first line."""
    return "," in text.split("\n", 1)[0]


def read(text: str, name: str) -> list[Reading]:
    """Return every session of the table; a session with a broken row is skipped as a whole.

    Raises:
        TranscriptError: The table lacks one of `COLUMNS`.
    """
    csv.field_size_limit(2**24)
    reader = csv.DictReader(io.StringIO(text, newline=""))
    columns = [column.strip() for column in reader.fieldnames or []]
    missing = [column for column in COLUMNS if column not in columns]
    if missing:
        raise TranscriptError(
            f"the table lacks the column {missing[0]}",
            where=name,
            expected=f"AnnoMI's columns: {', '.join(COLUMNS)}",
            got=", ".join(columns)[:200],
            mend="Rename the columns, or export as WebVTT, SRT or chat JSONL.",
        )
    reader.fieldnames = columns
    try:
        rows = list(reader)
    except csv.Error as error:
        raise TranscriptError(
            "the table is damaged",
            where=f"{name}, line {reader.line_num}",
            got=str(error),
            mend="Export the table again.",
        ) from error
    by_transcript: dict[str, list[Row]] = {}
    for row in rows:
        by_transcript.setdefault((row["transcript_id"] or "").strip(), []).append(row)
    return [_session(key, group, name) for key, group in by_transcript.items()]


def _session(key: str, rows: list[Row], name: str) -> Reading:
    place = f"{name}, transcript {key or '(no id)'}"
    try:
        said = _utterances(rows, place)
        first = rows[0]
        return RawSession(
            place=place,
            key=key,
            source="annomi",
            utterances=said,
            topic=(first.get("topic") or "unstated").strip(),
            group=(first.get("video_url") or "").strip(),
            quality=quality_of(first.get("mi_quality") or "", place),
        )
    except TranscriptError as error:
        return Skipped(where=place, reason=str(error))


def _utterances(rows: Iterable[Row], place: str) -> tuple[Utterance, ...]:
    """Return one utterance per id, in the order of the ids: annotators repeat them."""
    by_id: dict[int, Utterance] = {}
    for row in rows:
        number = (row["utterance_id"] or "").strip()
        if not number.isdecimal() or row["utterance_text"] is None:
            raise _broken(place, "a row has no number or no text", number)
        text = without_remarks(row["utterance_text"])
        speaker = (row["interlocutor"] or "").strip()
        said = Utterance(speaker, text, _seconds(row.get("timestamp") or ""))
        before = by_id.setdefault(int(number), said)
        if (before.speaker, before.text) != (speaker, text):
            raise _broken(place, "two annotators' rows give the utterance differently", number)
    return tuple(by_id[number] for number in sorted(by_id))


def _broken(place: str, what: str, number: str) -> TranscriptError:
    return TranscriptError(
        what,
        where=f"{place}, utterance {number[:20] or '(none)'}",
        expected="one text and one speaker per utterance_id",
        mend="Repair the row, or take the table from its source again.",
    )


def _seconds(clock: str) -> float | None:
    match = _CLOCK.match(clock.strip())
    if not match:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(hours * 3600 + minutes * 60 + seconds)
