"""Records as rows of an index: where each stands in its file, and what a blend asks of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from corpus.near import signatures
from domain.errors import StoreError
from domain.record import Record
from domain.turn import Speaker
from measures.tokens import normal, runs_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

BATCH = 500
"""Lines that are looked at together."""
_COLUMNS = ("origin", "source", "licence", "topic", "quality", "deidentification")


@dataclass(frozen=True)
class Index:
    """One row for each record of some files, in their order.

    Words are kept once for all rows that have them: `codes` [rows] are places in `names`.
    """

    files: tuple[Path, ...]
    file: NDArray[np.int16]
    offset: NDArray[np.int64]
    length: NDArray[np.int64]
    ids: NDArray[np.bytes_]
    """As bytes: NumPy's text takes four for each letter. `ids_of` gives text."""
    words: NDArray[np.int64]
    """What a model learns to say: the therapist's words."""
    said: NDArray[np.uint64]
    """Hash of all that is said, for exact duplicates."""
    codes: dict[str, NDArray[np.int32]]
    names: dict[str, tuple[str, ...]]
    group: NDArray[np.bytes_]
    """Nearly every record has its own, so these are no codes."""
    lineage: NDArray[np.bytes_]
    """The first id upstream: the session's, of a synthetic record."""

    def __len__(self) -> int:
        return len(self.ids)

    def ids_of(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the ids of some rows."""
        return [name.decode() for name in self.ids[rows].tolist()]

    def groups_of(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the groups of some rows."""
        return [name.decode() for name in self.group[rows].tolist()]

    def lineage_of(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the first ids upstream of some rows, "" where there is none."""
        return [name.decode() for name in self.lineage[rows].tolist()]

    def among(self, ids: Collection[str]) -> NDArray[np.bool_]:
        """Tell which rows have one of `ids`."""
        return np.isin(self.ids, _as_bytes(sorted(ids)))

    def column(self, name: str, rows: NDArray[np.int64] | None = None) -> list[str]:
        """Return a column of words, for some rows or for all."""
        codes = self.codes[name] if rows is None else self.codes[name][rows]
        known = self.names[name]
        return [known[code] for code in codes.tolist()]

    def where(self, name: str, *values: str) -> NDArray[np.bool_]:
        """Tell which rows have one of `values` in a column."""
        wanted = [at for at, known in enumerate(self.names[name]) if known in values]
        return np.isin(self.codes[name], wanted)

    def records(self, rows: Sequence[int] | NDArray[np.int64]) -> Iterator[Record]:
        """Read the records of some rows, one after the other, in the order of `rows`.

        Raises:
            StoreError: A file has changed since it was indexed.
        """
        streams = [path.open("rb") for path in self.files]
        try:
            for row in rows:
                stream = streams[self.file[row]]
                stream.seek(self.offset[row])
                line = stream.read(self.length[row])
                try:
                    record = Record.model_validate_json(line)
                except ValueError as error:
                    raise _changed(self.files[self.file[row]]) from error
                yield record
        finally:
            for stream in streams:
                stream.close()


class Indexing:
    """Builds an index, a batch of lines after another; `sketches` are handed on as they come."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = tuple(path for path in files if path.exists())
        self._parts: list[dict[str, Any]] = []
        self._known: dict[str, dict[str, int]] = {name: {} for name in _COLUMNS}

    def sketches(self) -> Iterator[NDArray[np.uint32]]:
        """Read every file to its end; yield the MinHash signatures of each batch, [rows, SIZE].

        Raises:
            StoreError: A line is not a record.
        """
        for number, path in enumerate(self._files):
            for batch in _batches(path):
                rows = [_row(path, *line) for line in batch]
                self._take(number, batch, rows)
                yield signatures([row["text"] for row in rows])

    def index(self) -> Index:
        """Return the index of what has been read; it can be asked for once."""
        parts = self._parts
        return Index(
            files=self._files,
            file=_joined(parts, "file", np.int16),
            offset=_joined(parts, "offset", np.int64),
            length=_joined(parts, "length", np.int64),
            ids=_joined(parts, "ids", np.bytes_),
            words=_joined(parts, "words", np.int64),
            said=_joined(parts, "said", np.uint64),
            group=_joined(parts, "group", np.bytes_),
            codes={name: _joined(parts, name, np.int32) for name in _COLUMNS},
            names={name: tuple(known) for name, known in self._known.items()},
            lineage=_joined(parts, "lineage", np.bytes_),
        )

    def _take(
        self, file: int, batch: list[tuple[int, int, bytes]], rows: list[dict[str, Any]]
    ) -> None:
        part: dict[str, Any] = {
            "file": np.full(len(rows), file, np.int16),
            "offset": np.array([offset for offset, _, _ in batch], np.int64),
            "length": np.array([len(line) for _, _, line in batch], np.int64),
            "ids": _as_bytes([row["id"] for row in rows]),
            "group": _as_bytes([row["group"] for row in rows]),
            "words": np.array([row["words"] for row in rows], np.int64),
            "said": np.array([row["said"] for row in rows], np.uint64),
            "lineage": _as_bytes([row["lineage"] for row in rows]),
        }
        for name, known in self._known.items():
            codes = [known.setdefault(row[name], len(known)) for row in rows]
            part[name] = np.array(codes, np.int32)
        self._parts.append(part)


def _batches(path: Path) -> Iterator[list[tuple[int, int, bytes]]]:
    """Yield lines with their offset and number, `BATCH` at a time."""

    def lines() -> Iterator[tuple[int, int, bytes]]:
        offset = 0
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield offset, number, line
                offset += len(line)

    found = lines()
    while batch := list(islice(found, BATCH)):
        yield batch


def _row(path: Path, offset: int, number: int, line: bytes) -> dict[str, Any]:
    """Read what the index keeps of one line. The line is validated when it is read for good."""
    try:
        data = orjson.loads(line)
        turns = [(turn["speaker"], turn["text"]) for turn in data["turns"]]
        row = {name: data[name] for name in (*_COLUMNS, "group")}
        lineage = data["provenance"]["lineage"]
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            "a line is no record",
            where=f"{path}, line {number}",
            got=f"{type(error).__name__}: {error}"[:200],
            mend="Make the file again with the verb that wrote it.",
        ) from error
    text = "\n".join(text for _, text in turns)
    return {
        **row,
        "id": record_id(line),
        "text": text,
        "said": _hash(" ".join(word for run in runs_of(normal(text)) for word in run)),
        "words": sum(_count(said) for speaker, said in turns if speaker == Speaker.THERAPIST),
        "lineage": lineage[0] if lineage else "",
    }


def _count(text: str) -> int:
    return sum(map(len, runs_of(normal(text))))


def record_id(line: bytes) -> str:
    """Return `Record.id` of a line that `write_nouns` wrote, without reading it as a record.

    Such a line is canonical JSON whose first key is the one that the id leaves out.
    """
    head, _, rest = line.rstrip(b"\r\n").partition(b",")
    if not head.startswith(b'{"deidentification":'):
        return Record.model_validate_json(line).id
    return f"record-{hashlib.sha256(b'{' + rest).hexdigest()[:16]}"


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _joined(parts: list[dict[str, Any]], name: str, kind: Any) -> Any:  # noqa: ANN401 - NumPy's
    """Join a column and take it out of the parts, so that only one is held twice."""
    found = [part.pop(name) for part in parts]
    return np.concatenate(found) if found else np.array([], dtype=kind)


def _as_bytes(texts: Sequence[str]) -> NDArray[np.bytes_]:
    return np.array([text.encode() for text in texts], np.bytes_)


def _changed(path: Path) -> StoreError:
    return StoreError(
        "the file has changed while it was blended",
        where=str(path),
        expected="the records that were there at the start",
        mend="Run it again, and leave the corpus alone meanwhile.",
    )


def counted(index: Index, name: str, rows: NDArray[np.int64]) -> dict[str, int]:
    """Count some rows by a column."""
    return dict(sorted(Counter(index.column(name, rows)).items()))
