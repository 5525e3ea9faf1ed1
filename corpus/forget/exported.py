"""Blends and exports: which of them hold a record, and their manifest when it is taken out."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow.parquet as pq

from corpus.files import read_nouns, write_text
from corpus.forget.sieve import Sieve
from corpus.manifest import CARD, MANIFEST, PARQUET, file_hash
from corpus.preference import PAIRS, PreferencePair, counts_of
from domain.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from corpus.forget.mark import Mark

_NOTE = (
    "\n## Since it was made\n\nSessions were taken out on request; counts above are as it was"
    " made. manifest.json says what it holds now, but for its words.\n"
)


def holding(root: Path, ids: frozenset[str]) -> Iterator[Path]:
    """Yield the folders under `root` whose manifest names one of the ids."""
    for path in sorted(root.rglob(MANIFEST)):
        if any(name in path.read_text(encoding="utf-8") for name in ids):
            yield path.parent


def holds(export: Path, mark: Mark) -> bool:
    """Tell whether an export's manifest names the record, or a file of it has its words.

    Pairs name their sessions only, so no manifest says whose words those repeat.
    """
    if any(holding(export, mark.ids)):
        return True
    look = Sieve(export, mark, dry=True)
    for path in _data(export):
        _from(path, look, named=False)
    return bool(look.lines or look.whole)


def take_out(folder: Path, sieve: Sieve) -> None:
    """Take a record out of a blend's or an export's folder that holds it, its manifest last.

    Data that is neither lines nor Parquet goes whole: it is to be made again.

    Raises:
        StoreError: A file cannot be read or written.
    """
    manifest = _manifest_in(folder)
    named = sieve.mark.in_json(manifest)
    for path in _data(folder):
        _from(path, sieve, named=named)
    if sieve.dry or not manifest:
        return
    if "records" in manifest:
        _count_records(manifest, folder, sieve.mark)
    else:
        pairs = list(read_nouns(folder / PAIRS, PreferencePair))
        manifest.update(counts_of(pairs))
    card = folder / CARD
    if card.exists() and _NOTE not in card.read_text(encoding="utf-8"):
        write_text(card, card.read_text(encoding="utf-8") + _NOTE)
    if "files" in manifest:
        manifest["files"] = {
            name: file_hash(folder / name) for name in manifest["files"] if _is_in(folder, name)
        }
    write_text(folder / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


def _manifest_in(folder: Path) -> dict[str, Any]:
    """Return a folder's manifest; empty where somebody has removed it since.

    Raises:
        StoreError: It is damaged.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    try:
        manifest = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise StoreError(
            "a manifest cannot be read",
            where=str(path),
            expected="JSON, as the export wrote it",
            got=str(error),
            mend="Put it back from a copy, or delete the folder, and forget again.",
        ) from error
    return manifest if isinstance(manifest, dict) else {}


def _count_records(manifest: dict[str, Any], folder: Path, mark: Mark) -> None:
    """Bring a manifest of records to what its folder holds now."""
    left, whole = _ids_left(folder), all(_is_in(folder, name) for name in manifest["files"])
    kept = [
        one
        for one in manifest["records"]
        if whole and (left is None or one["id"] in left) and not mark.in_json(one)
    ]
    gone = [one for one in manifest["records"] if one not in kept]
    manifest["records"] = kept
    manifest["distinct"] -= len(gone)
    manifest["sessions"] -= sum(one["repeats"] for one in gone)
    for origin in ("real", "synthetic"):
        lost = sum(one["repeats"] for one in gone if one["origin"] == origin)
        manifest[f"{origin}_sessions"] -= lost
    if manifest.get("rows") is not None:
        manifest["rows"] = sum(_rows_of(folder / name) for name in manifest["files"])


def _ids_left(folder: Path) -> set[str] | None:
    """Return the ids of the records that are still there; None where no table says."""
    path = folder / PARQUET
    return set(pq.read_table(path, columns=["id"])["id"].to_pylist()) if path.is_file() else None


def _rows_of(path: Path) -> int:
    """Count the rows of a data file; none where it is no data, or went whole."""
    if not path.is_file():
        return 0
    if path.suffix == ".parquet":
        return int(pq.read_metadata(path).num_rows)
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as stream:
            return sum(1 for _ in csv.reader(stream)) - 1
    if path.suffix == ".jsonl":
        with path.open("rb") as lines:
            return sum(1 for _ in lines)
    return 0


def _is_in(folder: Path, name: str) -> bool:
    return (folder / name).is_file()


def _data(folder: Path) -> Iterator[Path]:
    """Yield the files that hold words."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in {MANIFEST, CARD}:
            yield path


def _from(path: Path, sieve: Sieve, *, named: bool) -> None:
    if path.suffix == ".arrow" and named:
        sieve.remove(path)
    elif path.suffix in {".jsonl", ".csv", ".parquet", ".md", ".json", ".arrow"}:
        sieve.file(path)
