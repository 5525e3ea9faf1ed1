"""AnnoMI's table: counselling sessions from a video platform, one row per utterance and annotator.

Source of the columns: Wu et al., AnnoMI, ICASSP 2022; Future Internet 15(3):110, 2023.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corpus.formats.clock import seconds_of
from corpus.formats.limits import MAX_UTTERANCES
from corpus.formats.notes import quality_of
from corpus.formats.raw import RawSession, Reading, Skipped, Utterance
from corpus.formats.remarks import without_remarks
from corpus.formats.tables import MAX_ROWS, Row, Table, by_session
from domain.errors import TranscriptError

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS = ("transcript_id", "utterance_id", "interlocutor", "utterance_text")
"""Without these a table is not AnnoMI's; the others are used where they are present."""

_OTHERS = ("timestamp", "mi_quality", "topic", "video_url")


def looks_like(table: Table) -> bool:
    """Tell AnnoMI by its columns."""
    return table.has(*COLUMNS)


def read(table: Table) -> Iterator[Reading]:
    """Yield every session of the table; a session with a broken row is skipped as a whole.

    Raises:
        TranscriptError: The table is damaged.
    """
    others = [name for name in _OTHERS if table.has(name)]
    columns = [table.at(name) for name in (*COLUMNS, *others)]
    for key, rows in by_session(table, columns):
        yield _session(key, rows, others, table)


def _session(key: str, rows: list[Row], others: list[str], table: Table) -> Reading:
    place = f"{table.name}, transcript {key[:60] or '(no id)'}"
    try:
        clock = 4 + others.index("timestamp") if "timestamp" in others else 0
        said = _utterances(rows, place, clock, table.unit)
        about = dict(zip(others, (str(value or "") for value in rows[0][1][4:]), strict=True))
        return RawSession(
            place=place,
            key=key,
            source="annomi",
            utterances=said,
            topic=about.get("topic", "").strip() or "unstated",
            group=about.get("video_url", "").strip(),
            quality=quality_of(about.get("mi_quality", ""), place),
        )
    except TranscriptError as error:
        return Skipped(where=place, reason=str(error))


def _utterances(rows: list[Row], place: str, clock: int, unit: str) -> tuple[Utterance, ...]:
    """Return one utterance per id, in the order of the ids: annotators repeat them."""
    if len(rows) > MAX_ROWS:
        raise _broken(place, f"the session has more than {MAX_ROWS:,} rows", "")
    heard: dict[str, tuple[Any, Any]] = {}
    found: list[tuple[int, Utterance]] = []
    for line, row, fault in rows:
        number, speaker, text = row[1], row[2], row[3]
        before = heard.get(number)
        if before is not None and before == (speaker, text):
            continue
        if fault or not isinstance(text, str) or not str(number).strip().isdecimal():
            what = fault or "a row has no number or no text"
            raise _broken(f"{place}, {unit} {line}", what, number)
        said = _said(speaker, text)
        if before is None:
            heard[number] = (speaker, text)
            start = seconds_of(row[clock], place) if clock else None
            found.append((int(number), Utterance(*said, start)))
        elif said != _said(*before):
            what = "two annotators' rows give the utterance differently"
            raise _broken(f"{place}, {unit} {line}", what, number)
    if len(found) > MAX_UTTERANCES:
        raise _broken(place, f"the session has more than {MAX_UTTERANCES:,} utterances", "")
    found.sort(key=lambda one: one[0])
    return tuple(said for _, said in found)


def _said(speaker: Any, text: str) -> tuple[str, str]:  # noqa: ANN401 - a cell of any type
    return str(speaker or "").strip(), without_remarks(text)


def _broken(where: str, what: str, number: object) -> TranscriptError:
    return TranscriptError(
        what,
        where=where,
        expected="one text and one speaker per utterance_id",
        got=f"utterance {str(number or '(none)')[:20]}",
        mend="Repair the row, or take the table from its source again.",
    )
