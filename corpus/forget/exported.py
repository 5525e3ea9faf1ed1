"""Blends and exports: which of them hold a record, and their manifest when it is taken out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow.parquet as pq

from corpus.files import write_text
from corpus.manifest import CARD, MANIFEST, PARQUET, file_hash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from corpus.forget.sieve import Sieve

_NOTE = (
    "\n## Since it was made\n\nSessions were taken out on request; counts above are as it was"
    " made. manifest.json says what it holds now, but for its words.\n"
)


def holding(root: Path, ids: frozenset[str]) -> Iterator[Path]:
    """Yield the folders under `root` whose manifest names one of the ids."""
    for path in sorted(root.rglob(MANIFEST)):
        if any(name in path.read_text(encoding="utf-8") for name in ids):
            yield path.parent


def take_out(folder: Path, sieve: Sieve) -> None:
    """Take a record out of a blend's or an export's folder, its manifest last.

    Data that is neither lines nor Parquet goes whole: it is to be made again.
    """
    manifest: dict[str, Any] = orjson.loads((folder / MANIFEST).read_bytes())
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in {MANIFEST, CARD}:
            _from(path, sieve)
    if sieve.dry:
        return
    left = _ids_left(folder)
    kept = [
        one
        for one in manifest["records"]
        if (left is None or one["id"] in left) and not sieve.mark.in_json(one)
    ]
    gone = [one for one in manifest["records"] if one not in kept]
    manifest["records"] = kept
    manifest["distinct"] -= len(gone)
    manifest["sessions"] -= sum(one["repeats"] for one in gone)
    for origin in ("real", "synthetic"):
        lost = sum(one["repeats"] for one in gone if one["origin"] == origin)
        manifest[f"{origin}_sessions"] -= lost
    card = folder / CARD
    if card.exists() and _NOTE not in card.read_text(encoding="utf-8"):
        write_text(card, card.read_text(encoding="utf-8") + _NOTE)
    manifest["files"] = {
        name: file_hash(folder / name) for name in manifest["files"] if (folder / name).is_file()
    }
    write_text(folder / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


def _ids_left(folder: Path) -> set[str] | None:
    """Return the ids of the records that are still there; None where no table says."""
    path = folder / PARQUET
    return set(pq.read_table(path, columns=["id"])["id"].to_pylist()) if path.is_file() else None


def _from(path: Path, sieve: Sieve) -> None:
    if path.suffix in {".jsonl", ".csv", ".parquet", ".md", ".json"}:
        sieve.file(path)
    elif path.suffix == ".arrow":
        sieve.remove(path)
