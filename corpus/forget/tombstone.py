"""What is kept of a forgotten record: ids and hashes, who asked when, and what had seen it.

No word of it. The hashes keep the same transcript from coming in again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.files import read_noun, write_text
from domain.base import Noun

if TYPE_CHECKING:
    from domain.record import Provenance, Record
    from domain.runfolder import RunFolder


class Tombstone(Noun):
    """One forgotten record. Provenance is a hash of its file and, if it had one, of its own id."""

    record: str
    source_hash: str
    lineage: tuple[str, ...]
    at: str
    """When it was begun, UTC, ISO 8601."""
    contexts: tuple[str, ...] = ()
    """Ids of the scenarios that were drawn from it."""
    blends: tuple[str, ...] = ()
    """Blends that held it, by their folder in the run."""
    adapters: tuple[str, ...] = ()
    """Adapters that were trained on those: they have seen it, and are left to you."""
    exports: tuple[str, ...] = ()
    done: bool = False
    """Whether everything was gone through; a stop before that is made good by forgetting again."""


class Tombstones(Noun):
    """The content of `corpus/forgotten.json`, oldest first."""

    forgotten: tuple[Tombstone, ...] = ()

    def of(self, record: str) -> Tombstone | None:
        """Return the tombstone of a record."""
        return next((one for one in self.forgotten if one.record == record), None)

    def covers(self, provenance: Provenance) -> bool:
        """Tell whether what comes from here was forgotten: the same file or transcript."""
        return any(
            set(one.lineage) & set(provenance.lineage)
            if one.lineage
            else one.source_hash == provenance.source_hash
            for one in self.forgotten
        )

    def put(self, stone: Tombstone) -> Tombstones:
        """Return the tombstones with `stone` in the place of an earlier one of its record."""
        others = tuple(one for one in self.forgotten if one.record != stone.record)
        return Tombstones(forgotten=(*others, stone))


def tombstones(folder: RunFolder) -> Tombstones:
    """Read what was forgotten in a run.

    Raises:
        StoreError: The file is damaged.
    """
    if not folder.forgotten.exists():
        return Tombstones()
    return read_noun(
        folder.forgotten,
        Tombstones,
        "the list of forgotten records cannot be read",
        mend="Put it back from a copy: it keeps them from coming in again.",
    )


def write_tombstones(folder: RunFolder, stones: Tombstones) -> None:
    """Write the list.

    Raises:
        StoreError: It cannot be written.
    """
    write_text(folder.forgotten, stones.model_dump_json(indent=2) + "\n")


def stone_of(record: Record, at: str) -> Tombstone:
    """Return the tombstone of a record that is about to be forgotten."""
    provenance = record.provenance
    return Tombstone(
        record=record.id,
        source_hash=provenance.source_hash,
        lineage=provenance.lineage,
        at=at,
    )
