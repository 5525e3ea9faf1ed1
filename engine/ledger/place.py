"""Where a ledger is kept when it is not in its folder: a note in the folder names the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import orjson

from domain.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

NOTE = "store.json"


@dataclass(frozen=True)
class Place:
    """A run's rows in a database that several runs may share."""

    url: str
    """`postgresql://user@host:port/database`; never with a password."""
    run: str
    """The run's name in the database, made when it began."""


def place_of(folder: Path) -> Place | None:
    """Return what the folder's note says, or None where there is none.

    Raises:
        StoreError: The note cannot be read.
    """
    path = folder / NOTE
    try:
        told = orjson.loads(path.read_bytes())
        return Place(str(told["url"]), str(told["run"]))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            "the note that says where the ledger lies cannot be read",
            where=str(path),
            expected='{"url": "postgresql://…", "run": "…"}',
            got=f"{type(error).__name__}: {error}",
            mend="Restore the file from a copy; the rows are in the database.",
        ) from error


def new_place(url: str) -> Place:
    """Name a run that begins now."""
    return Place(url, uuid4().hex)


def note(folder: Path, place: Place) -> None:
    """Write the note.

    Raises:
        StoreError: It cannot be written.
    """
    path = folder / NOTE
    fresh = folder.parent / f".{NOTE}.new"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(orjson.dumps({"url": place.url, "run": place.run}))
        fresh.replace(path)
    except OSError as error:
        raise StoreError(
            "the note that says where the ledger lies cannot be written",
            where=str(path),
            got=str(error),
            mend="Check that the run's folder can be written.",
        ) from error
