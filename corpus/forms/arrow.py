"""Parquet, and a folder that `datasets.load_from_disk` opens; both hold the same rows.

The folder is written with pyarrow alone, so that an export needs no `datasets` and the same records
give the same bytes: its state names no time and no random fingerprint.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.chatform import messages_of
from corpus.forms.form import Form, Row, about

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from domain.record import Record

BATCH = 256
"""Rows that are held at a time."""
ARROW, STATE, INFO = "data-00000-of-00001.arrow", "state.json", "dataset_info.json"

_STRINGS = ("id", "origin", "source", "licence", "topic", "quality")
_PROVENANCE = ("source_hash", "model", "prompts_hash", "config_hash")

_SCHEMA = pa.schema(
    [
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
        *((name, pa.string()) for name in _STRINGS),
        ("lineage", pa.list_(pa.string())),
        ("start_s", pa.list_(pa.float64())),
        *((name, pa.string()) for name in _PROVENANCE),
        ("seed", pa.int64()),
    ]
)
"""One row per session; `start_s` has an entry per turn of the record, null where none is known."""


def _value(dtype: str) -> dict[str, str]:
    return {"dtype": dtype, "_type": "Value"}


_FEATURES = {
    "messages": [{"role": _value("string"), "content": _value("string")}],
    **{name: _value("string") for name in _STRINGS},
    "lineage": [_value("string")],
    "start_s": [_value("float64")],
    **{name: _value("string") for name in _PROVENANCE},
    "seed": _value("int64"),
}
"""The schema once more, in the words of `datasets.Features`; lists in the form that versions 2 to
5 read."""


def _row(record: Record) -> Row:
    made = record.provenance
    return {
        "messages": messages_of(record.turns),
        **about(record),
        "start_s": [turn.start_s for turn in record.turns],
        **{name: getattr(made, name) for name in _PROVENANCE},
        "seed": made.seed,
    }


def _batches(records: Iterable[Record]) -> Iterator[pa.RecordBatch]:
    held: list[Row] = []
    for record in records:
        held.append(_row(record))
        if len(held) == BATCH:
            yield pa.RecordBatch.from_pylist(held, schema=_SCHEMA)
            held = []
    if held:
        yield pa.RecordBatch.from_pylist(held, schema=_SCHEMA)


def _write_parquet(folder: Path, records: Iterable[Record]) -> int:
    count = 0
    with pq.ParquetWriter(folder / "train.parquet", _SCHEMA, compression="zstd") as writer:
        for batch in _batches(records):
            writer.write_batch(batch)
            count += batch.num_rows
    return count


def _write_dataset(folder: Path, records: Iterable[Record]) -> int:
    features = {"huggingface": json.dumps({"info": {"features": _FEATURES}})}
    schema = _SCHEMA.with_metadata(features)
    count, digest = 0, hashlib.sha256()
    with pa.OSFile(str(folder / ARROW), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
        for batch in _batches(records):
            writer.write_batch(batch.replace_schema_metadata(features))
            count += batch.num_rows
    with (folder / ARROW).open("rb") as stream:
        while piece := stream.read(2**20):
            digest.update(piece)
    _write_json(folder / INFO, {"features": _FEATURES})
    _write_json(
        folder / STATE,
        {
            "_data_files": [{"filename": ARROW}],
            "_fingerprint": digest.hexdigest()[:16],
            "_format_columns": None,
            "_format_kwargs": {},
            "_format_type": None,
            "_output_all_columns": False,
            "_split": "train",
        },
    )
    return count


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


_COLUMNS = (
    "one session to a row: `messages`, `id`, `origin`, `source`, `licence`, `topic`, `quality`,"
    " `lineage`, `start_s` (seconds, one to each turn), `source_hash`, and for synthetic sessions"
    " `model`, `prompts_hash`, `config_hash` and `seed`."
)

ARROW_FORMS = (
    Form("parquet", _write_parquet, f"`train.parquet`: {_COLUMNS}", data_files="train.parquet"),
    Form(
        "datasets",
        _write_dataset,
        f"A folder for `datasets.load_from_disk`: {_COLUMNS} `{ARROW}` holds the rows.",
    ),
)
