"""DuckDB, within bounds: what does not fit in memory goes to a folder of its own, and goes after.

Chosen by measurement over Polars: bringing the bands of a million sessions together, 32 million
rows on one core, took 29 s of CPU and 0.75 GB against 23 s and 1.8 GB (docs/corpus.md, "Scale").
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

MEMORY = "64MB"
"""For its own tables; beyond it they are kept on disk. It uses what it may, so this is also by how
much its memory grows before it is flat."""
_THREADS = 4
"""At most: each has buffers of its own, for which those of a large machine would leave no room."""


@contextmanager
def engine() -> Iterator[DuckDBPyConnection]:
    """Give a connection to an empty database that leaves nothing behind."""
    import duckdb

    with tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY,
            "temp_directory": folder,
            "threads": min(_THREADS, os.cpu_count() or 1),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        connection = duckdb.connect(f"{folder}/bulk.duckdb", config=config)
        try:
            connection.execute("SET enable_external_access = false")
            yield connection
        finally:
            connection.close()
