"""One shard of a ledger, and what is said of one that cannot be used."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from domain.errors import ResumeRefusedError, StoreError
from engine.ledger.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from engine.ledger.place import Place


@dataclass(frozen=True, order=True)
class Shard:
    """One shard; ordered by epoch, then by worker."""

    epoch: int
    worker: int
    path: Path
    """Its file; of a shard in PostgreSQL, the note that says where that is."""
    place: Place | None = field(default=None, compare=False)
    """The database that it lies in, where that is not a file."""

    @property
    def where(self) -> str:
        """What to call it in a message."""
        if self.place is None:
            return str(self.path)
        return f"{self.place.url}, run {self.place.run}, e{self.epoch:03d}-w{self.worker}"


def other_run(where: str, before: str, now: str) -> ResumeRefusedError:
    """Return the error of a ledger that was begun with other prompts or config."""
    return ResumeRefusedError(
        "the ledger was written with other prompts or another config",
        where=where,
        expected=f"run hash {before}",
        got=f"run hash {now}",
        mend="Restore what was changed, or start a new run under another name.",
    )


def another_version(where: str, got: str) -> StoreError:
    """Return the error of tables that another version of the program made."""
    return StoreError(
        "the ledger is of another version",
        where=where,
        expected=f"schema version {SCHEMA_VERSION}",
        got=got,
        mend="Finish or export the run with the version of rehearsal that began it; "
        "docs/store.md says which version reads which.",
    )


def damaged(shard: Shard, what: str) -> StoreError:
    """Return the error that names a shard in which `what` is not as it was written."""
    return StoreError(
        "the shard is damaged",
        where=shard.where,
        expected="rows that match their checksums",
        got=what,
        mend="Run `rehearsal campaign repair`: it keeps what can be read and says what is lost; "
        "that will be asked again.",
    )
