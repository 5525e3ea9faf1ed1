"""A tokenised corpus on disk: flat arrays that are mapped into memory, never read as a whole.

`tokens.npy` [T] int32 holds all sequences end to end, `ends.npy` [S] int64 where each ends,
`spans.npy` [R, 2] int64 the supervised runs as places in `tokens`, `span_ends.npy` [S] int64 the
last run of each sequence, `supervised.npy` [S] int64 how many tokens it has with a loss, and
`names.txt` which record each sequence came from. The folder's name is a hash of the text, the
tokenizer and the length, and it appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import mmap
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np

from domain.base import content_id
from domain.errors import StoreError
from training.examples import TrainingExample

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerBase

VERSION = 1
"""Raised when sequences come out differently from the same text."""
_ARRAYS = {
    "tokens": np.int32,
    "ends": np.int64,
    "spans": np.int64,
    "span_ends": np.int64,
    "supervised": np.int64,
    "name_ends": np.int64,
}
_NAMES = "names.txt"


class Tokenised(Sequence[TrainingExample]):
    """Sequences in a folder, each read when it is asked for."""

    def __init__(self, folder: Path) -> None:
        """Open the arrays of `folder`.

        Raises:
            StoreError: They cannot be read.
        """
        try:
            self._tokens, self._ends, spans, self._span_ends, self.supervised, self._name_ends = (
                np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS
            )
            self._spans = spans.reshape(-1, 2)
            with (folder / _NAMES).open("rb") as names:
                self._names = mmap.mmap(names.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError, EOFError) as error:
            raise StoreError(
                "the tokenised corpus cannot be read",
                where=str(folder),
                got=str(error),
                mend="Delete this folder; it is made again from the blend.",
            ) from error

    def __len__(self) -> int:
        """How many sequences there are."""
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> TrainingExample: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[TrainingExample]: ...
    def __getitem__(self, index: int | slice) -> TrainingExample | Sequence[TrainingExample]:
        """Read one sequence, or several."""
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        place = index % len(self)
        begin, end = _bounds(self._ends, place)
        ids = self._tokens[begin:end].astype(np.int64)
        mask = np.zeros(end - begin, dtype=np.bool_)
        for first, last in self._spans[slice(*_bounds(self._span_ends, place))] - begin:
            mask[first:last] = True
        name = self._names[slice(*_bounds(self._name_ends, place))].decode()
        return TrainingExample(name, ids, mask)


def tokenised_key(tokenizer: PreTrainedTokenizerBase, text_hash: str, max_length: int) -> str:
    """Hash of all that the sequences depend on."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    words = backend.to_str() if backend is not None else repr(sorted(tokenizer.get_vocab().items()))
    parts = {
        "version": VERSION,
        "text": text_hash,
        "tokenizer": hashlib.sha256(words.encode()).hexdigest(),
        "template": str(tokenizer.chat_template),
        "max_length": max_length,
    }
    return content_id("tokenised", parts)


def write_tokenised(folder: Path, examples: Iterable[TrainingExample]) -> Tokenised:
    """Write `examples` one by one to `folder`, unless it is there, and open it.

    Several processes may do so at the same time: each writes beside it, the first to end wins.

    Raises:
        StoreError: It cannot be written.
    """
    if not folder.is_dir():
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            making = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
            try:
                _write(making, examples)
                making.chmod(0o755)
                _take_place(making, folder)
            finally:
                shutil.rmtree(making, ignore_errors=True)
        except OSError as error:
            raise StoreError(
                "the tokenised corpus cannot be written",
                where=str(folder),
                got=error.strerror or str(error),
                mend="Check the folder's permissions and the space on the disk.",
            ) from error
    return Tokenised(folder)


def _write(folder: Path, examples: Iterable[TrainingExample]) -> None:
    with ExitStack() as stack:
        columns = {
            name: stack.enter_context((folder / f"{name}.raw").open("wb")) for name in _ARRAYS
        }
        names = stack.enter_context((folder / _NAMES).open("wb"))
        end, span_end, name_end = 0, 0, 0

        def put(column: str, values: NDArray[np.generic] | list[int]) -> None:
            columns[column].write(np.asarray(values, dtype=_ARRAYS[column]).tobytes())

        for example in examples:
            put("tokens", example.input_ids)
            spans = _runs(example.loss_mask) + end
            put("spans", spans)
            end, span_end = end + len(example), span_end + len(spans)
            put("ends", [end])
            put("span_ends", [span_end])
            put("supervised", [example.supervised])
            name_end += names.write(example.record_id.encode())
            put("name_ends", [name_end])
        names.write(b"\n")  # an empty file cannot be mapped
    for name, kind in _ARRAYS.items():
        _with_header(folder / f"{name}.raw", folder / f"{name}.npy", np.dtype(kind))


def _with_header(raw: Path, target: Path, kind: np.dtype[np.generic]) -> None:
    """Make .npy of bare numbers, without holding them."""
    header = {
        "descr": np.lib.format.dtype_to_descr(kind),
        "fortran_order": False,
        "shape": (raw.stat().st_size // kind.itemsize,),
    }
    with raw.open("rb") as numbers, target.open("wb") as out:
        np.lib.format.write_array_header_1_0(out, header)
        shutil.copyfileobj(numbers, out)
    raw.unlink()


def _take_place(making: Path, folder: Path) -> None:
    try:
        making.rename(folder)
    except OSError:
        if not folder.is_dir():  # otherwise another process was first, with the same bytes
            raise


def _runs(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Borders [R, 2] of the runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]])))
    return edges.reshape(-1, 2).astype(np.int64)


def _bounds(ends: NDArray[np.int64], place: int) -> tuple[int, int]:
    return (int(ends[place - 1]) if place else 0), int(ends[place])
