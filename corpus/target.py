"""Where an export goes: a new or empty folder, or an earlier export of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from corpus.manifest import CARD, MANIFEST, Manifest
from domain.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def refuse_foreign(target: Path) -> None:
    """Refuse to replace what no export made: it would be deleted.

    Raises:
        ConfigError: `target` is there, and neither empty nor an export with nothing added.
    """
    if not target.exists():
        return
    got = _foreign_in(target) if target.is_dir() else "a file"
    if got:
        raise ConfigError(
            "the folder holds other files",
            where=str(target),
            expected="a new or empty folder, or an earlier export with nothing added",
            got=got,
            mend="Name another folder.",
        )


def _foreign_in(target: Path) -> str:
    """Say what tells `target` from an export of ours; "" when it is one, or empty."""
    if not any(target.iterdir()):
        return ""
    if not (target / MANIFEST).is_file():
        return f"a folder without {MANIFEST}"
    try:
        manifest = Manifest.model_validate_json((target / MANIFEST).read_bytes())
    except ValidationError:
        return f"a {MANIFEST} of something else"
    ours, found = {*manifest.files, MANIFEST}, set(files_in(target))
    if found - ours:
        return f"among others, {min(found - ours)}"
    return "a part of an export" if ours - found or CARD not in ours else ""


def files_in(folder: Path) -> list[str]:
    """Return the paths of all that is in `folder`; empty folders and links count as well."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir() or not any(path.iterdir())
    )
