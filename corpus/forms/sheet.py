"""CSV for people and spreadsheets: one turn to a row, and no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from corpus.forms.form import Form, lineage_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from domain.record import Record

COLUMNS = (
    "session", "turn", "speaker", "text", "start_s", "topic", "quality", "origin", "source",
    "licence", "lineage",
)  # fmt: skip

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - these are meant
"""OWASP, CSV Injection: signs that begin a formula, and their full-width forms."""


def safe(text: str) -> str:
    """Return `text` with an apostrophe in front where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_STARTS_FORMULA) else text


def _write(folder: Path, records: Iterable[Record]) -> int:
    count = 0
    with (folder / "turns.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerow(COLUMNS)
        for record in records:
            after = (record.topic, record.quality.value, record.origin.value, record.source)
            shared = [safe(text) for text in (*after, record.licence, " ".join(lineage_of(record)))]
            for turn in record.turns:
                start = "" if turn.start_s is None else f"{turn.start_s:g}"
                text = safe(turn.text)
                writer.writerow([record.id, turn.index, turn.speaker.value, text, start, *shared])
                count += 1
    return count


CSV_FORM = Form(
    "csv",
    _write,
    "`turns.csv`: one turn to a row. A text that a spreadsheet would take for a formula has an"
    " apostrophe in front, which is no part of it.",
    data_files="turns.csv",
    for_training=False,
)
