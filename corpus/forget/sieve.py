"""Takes what bears a mark out of files: lines, rows, or a whole file that is made again."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from corpus.files import appears_at
from domain.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from corpus.forget.mark import Mark

_LINES = {".jsonl", ".csv"}
_SKIPPED = {".safetensors", ".bin", ".pt", ".sqlite", ".lock"}
"""Weights, which are named and not changed, and the ledger, which has a way of its own."""
_CACHES = {"tokenised"}
"""Folders of numbers made from text, made again when they are missed."""
_REVIEW = "review.md"
_SECTION = "\n## Record "


@dataclass
class Sieve:
    """Goes through files with a mark; with `dry`, only counts.

    `lines` are lines and rows taken out, by file; `whole` are files that were removed, because
    what they are made of is no longer there.
    """

    root: Path
    mark: Mark
    dry: bool
    lines: dict[str, int] = field(default_factory=dict)
    whole: list[str] = field(default_factory=list)

    def folder(self, at: Path, *, last: frozenset[Path] = frozenset()) -> None:
        """Go through everything under `at` but the files of `last`, in order of name."""
        for path in sorted(at.rglob("*")):
            if path.is_dir() and path.name in _CACHES:
                self.remove(path)
            elif path.is_file() and not path.is_symlink() and path not in last:
                self.file(path)

    def file(self, path: Path) -> None:
        """Go through one file."""
        if path.suffix in _SKIPPED or not path.is_file():
            return
        if path.suffix in _LINES:
            self._lines(path, self.mark.in_bytes)
        elif path.suffix == ".parquet":
            self._rows(path)
        elif path.name == _REVIEW:
            self._sections(path)
        elif self.mark.in_bytes(path.read_bytes()):
            self.remove(path)

    def records(self, path: Path) -> None:
        """Go through a file of records, whose ids follow from what they hold and stand nowhere."""
        if path.is_file():
            self._lines(path, self._is_record)

    def _is_record(self, line: bytes) -> bool:
        if not line.strip():
            return False
        return self.mark.in_bytes(line) or Record.model_validate_json(line).id in self.mark.ids

    def _lines(self, path: Path, marked: Callable[[bytes], bool]) -> None:
        if not self._count(path, sum(map(marked, _lines_of(path)))):
            return
        with appears_at(path) as made, made.open("wb") as out:
            out.writelines(line for line in _lines_of(path) if not marked(line))

    def _rows(self, path: Path) -> None:
        with pq.ParquetFile(path) as table:
            schema = table.schema_arrow
            groups = [
                [self.mark.in_json(row) for row in table.read_row_group(at).to_pylist()]
                for at in range(table.num_row_groups)
            ]
        if not self._count(path, sum(map(sum, groups))):
            return
        with (
            appears_at(path) as made,
            pq.ParquetFile(path) as table,
            pq.ParquetWriter(made, schema) as out,
        ):
            for at, marked in enumerate(groups):
                kept = [not one for one in marked]
                out.write_table(table.read_row_group(at).filter(kept))

    def _sections(self, path: Path) -> None:
        """Take a record's section out of a review."""
        head, *sections = path.read_text(encoding="utf-8").split(_SECTION)
        kept = [one for one in sections if not any(name in one for name in self.mark.ids)]
        if self._count(path, len(sections) - len(kept)):
            with appears_at(path) as made:
                made.write_text(_SECTION.join([head, *kept]), encoding="utf-8")

    def _count(self, path: Path, marked: int) -> bool:
        """Put down how many were found; tell whether to write."""
        if marked:
            self.lines[self._named(path)] = marked
        return bool(marked) and not self.dry

    def remove(self, path: Path) -> None:
        """Remove a file or folder, and put it down."""
        self.whole.append(self._named(path))
        if self.dry:
            return
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()

    def _named(self, path: Path) -> str:
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)


def _lines_of(path: Path) -> Iterator[bytes]:
    """Yield a file's lines; a row of CSV is one, whatever line breaks its cells have."""
    row = b""
    with path.open("rb") as lines:
        for line in lines:
            row += line
            if path.suffix != ".csv" or row.count(b'"') % 2 == 0:
                yield row
                row = b""
    if row:
        yield row
