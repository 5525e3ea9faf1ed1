"""The server's own account of what it was asked: one JSON line per chat request, without text.

Held against the ledger it proves that no recorded call was asked twice.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import orjson

from domain.errors import StoreError

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path


class RequestLog:
    """Appends a line for each request as it is received, before it is answered.

    Args:
        path: The file; it is created, and appended to where it exists. None keeps no log.

    Raises:
        StoreError: The file cannot be opened.
    """

    def __init__(self, path: Path | None) -> None:
        self._file: FileIO | None = None
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise StoreError(
                "the request log cannot be opened",
                where=str(path),
                got=error.strerror or str(error),
                mend="Name a file in a folder that you may write to.",
            ) from error

    def write(self, call: str, model: str, body: bytes, outcome: str) -> None:
        """Append one line; it is with the operating system when this returns."""
        if self._file is None:
            return
        line = {
            "call": call,
            "model": model,
            "sha256": hashlib.sha256(body).hexdigest(),
            "outcome": outcome,
        }
        self._file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
