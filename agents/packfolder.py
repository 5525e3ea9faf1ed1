"""Where a pack lies: its folder, what of it is named in errors, and the hash of all its files."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from agents.packfile import read_text
from domain.errors import PackError

INSTALLED = Path(__file__).resolve().parent.parent / "packs"
"""The packs that come with the project, beside this package."""

LENDER = INSTALLED / "cbt"
"""Whose adversarial set, and whose prompts of `LENT`, a pack uses that has none of its own."""


def find_pack(name_or_path: str) -> Path:
    """Return the folder of an installed pack, or the folder that is named.

    Raises:
        PackError: There is no pack.yaml in it.
    """
    installed = INSTALLED / name_or_path
    if re.fullmatch(r"[A-Za-z0-9_-]+", name_or_path) and (installed / "pack.yaml").is_file():
        return installed
    root = Path(name_or_path)
    if (root / "pack.yaml").is_file():
        return root.resolve()
    known = sorted(path.parent.name for path in INSTALLED.glob("*/pack.yaml"))
    raise PackError(
        "there is no such pack",
        where=name_or_path,
        expected=f"an installed pack ({', '.join(known)}) or a folder with a pack.yaml",
        got="no pack.yaml" if root.is_dir() else "no such folder",
        mend="Correct `pack` in the run file.",
    )


def folder_of(root: Path, name: str) -> Path:
    """Return the folder `name` of a pack.

    Raises:
        PackError: It is missing.
    """
    folder = root / name
    if not folder.is_dir():
        raise PackError(
            "the folder is missing",
            where=place_of(root, name),
            expected="a folder of casting files",
            got="nothing",
            mend="Add the folder, or correct `casting` in pack.yaml.",
        )
    return folder


def hash_of(root: Path) -> str:
    """Hash every file of the pack but hidden ones, by relative name and content."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*"), key=lambda path: path.relative_to(root).as_posix()):
        name = path.relative_to(root)
        if path.is_file() and not any(part.startswith((".", "__")) for part in name.parts):
            where = place_of(root, name.as_posix())
            if not path.stat().st_size:
                read_text(path, where)
            digest.update(name.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def place_of(root: Path, file: str) -> str:
    """Name a file of a pack as errors do: `cbt/pack.yaml`."""
    return f"{root.name}/{file}"
