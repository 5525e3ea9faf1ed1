"""Where a run's records were exported to, so that a forgotten one is taken out there as well."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from corpus.files import write_text
from domain.base import canonical_json
from domain.errors import StoreError

if TYPE_CHECKING:
    from domain.runfolder import RunFolder

_Paths = TypeAdapter(tuple[str, ...])


def note_export(folder: RunFolder, target: Path) -> None:
    """Put down that something was exported to `target`.

    Raises:
        StoreError: The list cannot be read or written.
    """
    known = exports_of(folder)
    place = target.resolve()
    if place not in known:
        paths = [str(path) for path in (*known, place)]
        write_text(folder.exports, canonical_json(paths).decode() + "\n")


def exports_of(folder: RunFolder) -> tuple[Path, ...]:
    """Return the folders that were exported to, in order; some may be gone since.

    Raises:
        StoreError: The list is damaged.
    """
    if not folder.exports.exists():
        return ()
    try:
        return tuple(map(Path, _Paths.validate_json(folder.exports.read_bytes())))
    except ValidationError as error:
        raise StoreError(
            "the list of exports cannot be read",
            where=str(folder.exports),
            got=f"{error.error_count()} faults",
            mend="Write it anew: a JSON list of the folders' paths.",
        ) from error
