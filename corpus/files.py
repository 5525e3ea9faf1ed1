"""Reading and writing the corpus's files: JSON lines, and whole files that appear at once."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from domain.base import Noun, canonical_json
from domain.errors import StoreError
from domain.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

N = TypeVar("N", bound=Noun)


@contextlib.contextmanager
def appears_at(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; it takes its place when the block ends well.

    Raises:
        StoreError: The file cannot be written; what was at `path` is still there.
    """
    temporary: Path | None = None
    try:
        with appears_in(path.parent, path):
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            os.close(handle)
            temporary = Path(name)
            yield temporary
            temporary.replace(path)
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def appears_in(folder: Path, path: Path | None = None) -> Iterator[None]:
    """Make `folder` where it is missing; say what cannot be written there while the block runs.

    Raises:
        StoreError: The folder or a file in it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise StoreError(
            "the file cannot be written",
            where=str(path or folder),
            got=error.strerror or type(error).__name__,
            mend="Check the folder's permissions and the space on the disk.",
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` at once, as UTF-8."""
    with appears_at(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_nouns(path: Path, nouns: Iterable[Noun]) -> int:
    """Write one noun to a line, as canonical JSON, all at once; return how many."""
    count = 0
    with appears_at(path) as temporary, temporary.open("wb") as stream:
        for noun in nouns:
            stream.write(canonical_json(noun) + b"\n")
            count += 1
    return count


def read_noun(path: Path, kind: type[N], what: str, *, mend: str) -> N:
    """Return the noun that a JSON file holds.

    Args:
        path: The file; it is there.
        kind: Of which kind.
        what: What a person is told where it is damaged, such as "the rounds cannot be read".
        mend: And what to do then.

    Raises:
        StoreError: It is damaged.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise StoreError(
            what,
            where=str(path),
            expected="the JSON that this program wrote there",
            got=f"{error.error_count()} faults, first: {error.errors()[0]['msg']}",
            mend=mend,
        ) from error


def read_nouns(path: Path, kind: type[N]) -> Iterator[N]:
    """Yield the nouns of a JSONL file, one by one; none where there is no file.

    Raises:
        StoreError: A line is not a `kind`.
    """
    if not path.exists():
        return
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                yield kind.model_validate_json(line)
            except ValidationError as error:
                raise StoreError(
                    f"a line is no {kind.__name__.lower()}",
                    where=f"{path}, line {number}",
                    got=f"{error.error_count()} faults, first: {error.errors()[0]['msg']}",
                    mend="Make the file again with the verb that wrote it.",
                ) from error


def read_records(path: Path) -> Iterator[Record]:
    """Yield the records of a JSONL file, one by one.

    Raises:
        StoreError: A line is not a record.
    """
    return read_nouns(path, Record)
