"""Parquet and Arrow, as Hugging Face `datasets` keeps them on disk: rows, a few at a time.

A Parquet file names its sizes before its content, and these are what is checked: a page or a
dictionary that unpacks to far more than the file holds is refused unread.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from corpus.formats.limits import (
    MAX_COLUMNS,
    MAX_SESSION_BYTES,
    MAX_UTTERANCES,
    MIB,
    SMALL_TABLE_BYTES,
    SMALL_TABLE_ROWS,
)
from corpus.formats.tables import Row, Table
from domain.errors import TranscriptError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ROWS = 64
"""Rows that are held at a time: of sessions, about 2,000 turns."""

_PACKED = 200
"""How many times its size a column may unpack to: text packs to a tenth or so, not to a percent."""

_STREAM = b"\xff\xff\xff\xff"


def kind_of(data: bytes) -> str:
    """Tell by its first bytes: `parquet`, `arrow` or ""."""
    if data.startswith(b"PAR1"):
        return "parquet"
    return "arrow" if data.startswith((b"ARROW1", _STREAM)) else ""


def table_of(paths: Sequence[Path], kind: str) -> Table:
    """Return the rows of all `paths` as one table: a data set is kept in several files.

    Raises:
        TranscriptError: A file is damaged, its columns differ, or it unpacks to too much.
    """
    import pyarrow as pa

    name = paths[0].name
    try:
        schema, count = _checked(paths, kind)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise damaged(name, error) from None
    if len(schema) > MAX_COLUMNS:
        raise damaged(name, f"{len(schema):,} columns")

    def rows(picked: Sequence[int]) -> Iterator[Row]:
        return _rows(paths, kind, [schema.names[number] for number in picked])

    size = sum(path.stat().st_size for path in paths)
    small = size <= SMALL_TABLE_BYTES and count is not None and count <= SMALL_TABLE_ROWS
    return Table(name, "row", tuple(schema.names), rows, small)


def digest_of(paths: Sequence[Path]) -> str:
    """Return the SHA-256 over all `paths`, in order."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as stream:
            while piece := stream.read(MIB):
                digest.update(piece)
    return digest.hexdigest()


def _checked(paths: Sequence[Path], kind: str) -> tuple[Any, int | None]:
    """Return the schema that all files share, and the number of rows where it is told."""
    import pyarrow.parquet as pq

    schema, count = None, 0
    for path in paths:
        if kind == "parquet":
            with pq.ParquetFile(path) as file:
                _refuse_bombs(file.metadata, path.name)
                found, count = file.schema_arrow, count + file.metadata.num_rows
        else:
            with _opened(path) as reader:
                found = reader.schema
        found = found.remove_metadata()
        if schema is not None and found.names != schema.names:
            raise damaged(path.name, "other columns than the file before")
        schema = found
    return schema, count if kind == "parquet" else None


def _refuse_bombs(metadata: Any, name: str) -> None:  # noqa: ANN401 - pyarrow has no types
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for at in range(group.num_columns):
            column = group.column(at)
            unpacked, packed = column.total_uncompressed_size, column.total_compressed_size
            if unpacked > 16 * MIB and unpacked > _PACKED * max(packed, 1):
                raise damaged(name, f"{packed:,} bytes that unpack to {unpacked:,}")
            if column.num_values > max(group.num_rows, 1) * MAX_UTTERANCES:
                raise damaged(name, f"{column.num_values:,} values in {group.num_rows:,} rows")


def _opened(path: Path) -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa

    source = pa.memory_map(str(path))
    head = source.read(6)
    source.seek(0)
    return pa.ipc.open_file(source) if head == b"ARROW1" else pa.ipc.open_stream(source)


def _rows(paths: Sequence[Path], kind: str, names: list[str]) -> Iterator[Row]:
    import pyarrow as pa

    number = 0
    for path in paths:
        try:
            for batch in _batches(path, kind, list(dict.fromkeys(names))):
                batch.validate(full=True)
                for row in _of_batch(batch, names, path.name, number):
                    number += 1
                    yield number, row, ""
        except (pa.ArrowException, OSError, ValueError) as error:
            raise damaged(f"{path.name}, row {number + 1}", error) from None


def _batches(path: Path, kind: str, names: list[str]) -> Iterator[Any]:
    import pyarrow.parquet as pq

    if kind == "parquet":
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=ROWS, columns=names)
        return
    with _opened(path) as reader:
        batches = (
            (reader.get_batch(n) for n in range(reader.num_record_batches))
            if hasattr(reader, "num_record_batches")
            else reader
        )
        for batch in batches:
            for start in range(0, batch.num_rows, ROWS):
                yield batch.slice(start, ROWS)


def _of_batch(batch: Any, names: list[str], where: str, before: int) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - pyarrow has no types
    if batch.nbytes > MAX_SESSION_BYTES * ROWS // 8:
        raise damaged(f"{where}, row {before + 1}", f"{batch.nbytes // MIB} MiB in {ROWS} rows")
    columns = {name: batch.column(name).to_pylist() for name in dict.fromkeys(names)}
    yield from zip(*(columns[name] for name in names), strict=True)


def damaged(where: str, error: object) -> TranscriptError:
    """Name a file that cannot be read on; what the library says is cut short."""
    return TranscriptError(
        "the table is damaged",
        where=where,
        expected="a Parquet or Arrow file as datasets or pyarrow writes it",
        got=" ".join(str(error).split())[:160],
        mend="Write the data set again.",
    )
