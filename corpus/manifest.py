"""What an exported folder holds: its files, its records and their hashes, in `manifest.json`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pydantic import Field

from corpus.files import read_noun
from domain.base import Noun

if TYPE_CHECKING:
    from pathlib import Path

    from domain.record import Record

MESSAGES, PARQUET, MANIFEST, CARD = (
    "messages.jsonl",
    "records.parquet",
    "manifest.json",
    "README.md",
)


class Entry(Noun):
    """One record in a manifest; `repeats` says how often it stands in messages.jsonl."""

    id: str
    origin: str
    source: str
    licence: str
    quality: str
    repeats: int
    lineage: tuple[str, ...] = ()
    """Ids upstream; a control that was made of a real record names that record."""


class Manifest(Noun):
    """What an exported folder holds. No time and no path: equal content, equal bytes."""

    name: str
    seed: int
    form: str = "sessions"
    rows: int | None = None
    """Rows of the data file, where a session makes several."""
    left_out: dict[str, int] = Field(default_factory=dict)
    """Sessions that stayed behind, by reason."""
    sessions: int
    """Lines of messages.jsonl, repeats counted."""
    distinct: int
    real_sessions: int
    synthetic_sessions: int
    supervised_words: int
    licences: tuple[str, ...]
    sources: tuple[str, ...]
    records: tuple[Entry, ...]
    files: dict[str, str]
    """SHA-256 of each file, in hex, by its path in the folder."""


def entry_of(record: Record, name: str, repeats: int) -> Entry:
    """Return a record as a manifest lists it; `name` is its id."""
    return Entry(
        id=name,
        origin=record.origin,
        source=record.source,
        licence=record.licence,
        quality=record.quality,
        repeats=repeats,
        lineage=record.provenance.lineage,
    )


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_manifest(path: Path) -> Manifest:
    """Read a blend's manifest.

    Raises:
        StoreError: It is damaged.
    """
    return read_noun(
        path,
        Manifest,
        "a blend's manifest cannot be read",
        mend="Run `rehearsal corpus blend` again.",
    )
