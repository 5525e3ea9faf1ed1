"""What a form of export is: its files, what a card says of them, and whether it is trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.record import Record

Row = dict[str, Any]

Write = Callable[[Path, Iterable[Record]], int]
"""Writes the records to a folder, one after the other; returns the rows that were written."""


@dataclass(frozen=True)
class Form:
    """One way to write records down."""

    name: str
    write: Write
    describes: str
    """What the card says of the files, in Markdown."""
    data_files: str = ""
    """The glob of files that `datasets.load_dataset` reads, "" where it cannot."""
    for_training: bool = True
    """Whether a model is trained on it as it is: then sessions labelled poor stay behind."""


def lineage_of(record: Record) -> tuple[str, ...]:
    """Return the ids that lead from a row back to the first line: the record's own first."""
    return (record.id, *record.provenance.lineage)


def about(record: Record) -> Row:
    """Return what every row says of the record it is from."""
    return {
        "id": record.id,
        "origin": record.origin.value,
        "source": record.source,
        "licence": record.licence,
        "topic": record.topic,
        "quality": record.quality.value,
        "lineage": list(lineage_of(record)),
    }
