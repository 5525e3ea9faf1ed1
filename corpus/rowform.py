"""A record as a row of a Parquet file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from domain.base import canonical_json

if TYPE_CHECKING:
    from domain.record import Record

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("origin", pa.string()),
        ("source", pa.string()),
        ("licence", pa.string()),
        ("topic", pa.string()),
        ("group", pa.string()),
        ("quality", pa.string()),
        ("deidentification", pa.string()),
        ("repeats", pa.int32()),
        ("provenance", pa.string()),
        (
            "turns",
            pa.list_(
                pa.struct(
                    [
                        ("index", pa.int32()),
                        ("speaker", pa.string()),
                        ("text", pa.string()),
                        ("start_s", pa.float64()),
                    ]
                )
            ),
        ),
    ]
)
"""One row per record; `provenance` is JSON."""


def row_of(record: Record, name: str, repeats: int) -> dict[str, object]:
    """Return a record as a row of `SCHEMA`; `name` is its id."""
    row = record.model_dump(mode="json", exclude={"provenance"})
    provenance = canonical_json(record.provenance).decode()
    return {**row, "id": name, "repeats": repeats, "provenance": provenance}
