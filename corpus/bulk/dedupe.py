"""Exact and near duplicates of a whole corpus, found on disk rather than in memory."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from corpus.bulk.engine import engine
from corpus.bulk.index import Index, Indexing
from corpus.near import SIZE, bands, rows_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import FileIO

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

_CHUNK = 4_096
"""Links that are looked at together: each takes two signatures into memory, 1 KiB."""
_LINKS = """
    SELECT DISTINCT other, row FROM (
        SELECT row, min(row) OVER bucket AS first,
               lag(row) OVER (bucket ORDER BY row) AS last
        FROM band WHERE place = ? WINDOW bucket AS (PARTITION BY value)
    ) UNPIVOT (other FOR which IN (first, last))
    WHERE other < row
    ORDER BY row, other
"""
"""Of one band, each row of a bucket beside its first and beside the one before it: as many links as
rows, where all pairs of a large family would be as many as its square. Bands are asked for one
after the other, because all at once take as many times the memory as there are bands."""


@dataclass(frozen=True)
class Sifted:
    """An index and which of its rows say again what an earlier row says."""

    index: Index
    exact: NDArray[np.bool_]
    near: NDArray[np.bool_]

    @property
    def kept(self) -> NDArray[np.int64]:
        """The rows that are neither, in order."""
        return np.flatnonzero(~(self.exact | self.near))


def sift(files: Sequence[Path], threshold: float | None) -> Sifted:
    """Index `files` and mark duplicates: of two rows the earlier stays, so name the dearest first.

    Near-duplicates overlap by `threshold` or more in their runs of five words, as MinHash
    estimates it (standard error 0.04 at most); None looks for exact ones only, whatever their
    capitals and punctuation. A row that is near to an earlier one goes even where that one goes
    too.

    Raises:
        StoreError: A line is not a record.
    """
    indexing = Indexing(files)
    if threshold is None:
        for _ in indexing.sketches():
            pass
        index = indexing.index()
        return Sifted(index, _exact(index), np.zeros(len(index), np.bool_))
    with engine() as base, tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
        path = Path(folder) / "signatures"
        rows = _write_bands(indexing, base, path, rows_for(threshold))
        index = indexing.index()
        near = _near(base, path, rows, threshold)
    exact = _exact(index)
    return Sifted(index, exact, near & ~exact)


def _write_bands(indexing: Indexing, base: DuckDBPyConnection, path: Path, width: int) -> int:
    base.execute("CREATE TABLE band (row INTEGER, place UTINYINT, value UBIGINT)")
    done = 0
    with path.open("wb") as stream:
        for sketch in indexing.sketches():
            stream.write(sketch.tobytes())
            folded = bands(sketch, width)
            count, places = folded.shape
            part = pa.table(
                {
                    "row": np.repeat(np.arange(done, done + count, dtype=np.int32), places),
                    "place": np.tile(np.arange(places, dtype=np.uint8), count),
                    "value": folded.ravel(),
                }
            )
            base.register("part", part)
            base.execute("INSERT INTO band SELECT * FROM part")
            base.unregister("part")
            done += count
    return done


def _near(base: DuckDBPyConnection, path: Path, rows: int, threshold: float) -> NDArray[np.bool_]:
    near = np.zeros(rows, np.bool_)
    if rows < 2:
        return near
    with path.open("rb", buffering=0) as stream:
        for place in range(SIZE // rows_for(threshold)):
            links = base.sql(_LINKS, params=[place])
            for part in links.to_arrow_reader(_CHUNK):
                other, row = (part.column(name).to_numpy() for name in ("other", "row"))
                fresh = ~near[row]  # a copy shares every band with what it is a copy of
                other, row = other[fresh], row[fresh]
                alike = (_sketches(stream, other) == _sketches(stream, row)).mean(axis=1)
                near[row[alike >= threshold]] = True
    return near


def _sketches(stream: FileIO, rows: NDArray[np.int32]) -> NDArray[np.uint32]:
    """Read the signatures of some rows, [rows, SIZE].

    By place, because pages of a mapped file count as this process's memory until the end.
    """
    width = SIZE * np.dtype(np.uint32).itemsize
    read = b"".join(os.pread(stream.fileno(), width, row * width) for row in rows.tolist())
    return np.frombuffer(read, np.uint32).reshape(len(rows), SIZE)


def _exact(index: Index) -> NDArray[np.bool_]:
    """Mark rows whose words stand in an earlier row."""
    again = np.ones(len(index), np.bool_)
    again[np.unique(index.said, return_index=True)[1]] = False
    return again
