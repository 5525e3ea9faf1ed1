"""Whether a variant's weights can be read: seen by their headers, without loading them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domain.errors import TrainingError
from training.summary import hashes_of

if TYPE_CHECKING:
    from pathlib import Path

    from training.summary import TrainSummary

_LENGTH = 8
"""Bytes at the head of a safetensors file that say how long its header is."""


@dataclass(frozen=True)
class Damage:
    """A file or a checkpoint that cannot be read, and why."""

    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.name}: {self.why}"


def weights_fault(stream: Any, size: int) -> str:  # noqa: ANN401 - a binary file, pyarrow's or not
    """Say what is wrong with a safetensors file of `size` bytes by its header; empty if nothing."""
    length = int.from_bytes(stream.read(_LENGTH), "little")
    if size < _LENGTH or length > size - _LENGTH:
        return f"it is cut off within its header, at {size:,} bytes"
    try:
        header = json.loads(stream.read(length))
        tensors = [one for name, one in header.items() if name != "__metadata__"]
        ends = max((int(one["data_offsets"][1]) for one in tensors), default=0)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return "its header is not that of a safetensors file"
    expected = _LENGTH + length + ends
    return "" if size == expected else f"it has {size:,} bytes of {expected:,}"


def adapter_damage(folder: Path, summary: TrainSummary | None = None) -> Damage | None:
    """Return what is damaged of a variant's weights, None where nothing is seen to be.

    Args:
        folder: The adapter's folder, or that of a whole model.
        summary: What was written beside them; with the hashes in it a changed byte is seen.
    """
    found = sorted(folder.glob("*.safetensors"))
    if not found:
        return Damage("*.safetensors", "there are no weights")
    for path in found:
        with path.open("rb") as stream:
            why = weights_fault(stream, path.stat().st_size)
        if why:
            return Damage(path.name, why)
    expected = summary.weights if summary else {}
    got = hashes_of(folder) if expected else {}
    changed = [name for name in expected if got.get(name) != expected[name]]
    return Damage(changed[0], "it is not the file that was written") if changed else None


def check_adapter(folder: Path) -> None:
    """See that an adapter's weights can be read, before they are loaded.

    Raises:
        TrainingError: They are missing or cut off; the file is named.
    """
    try:
        damage = adapter_damage(folder)
    except OSError as error:
        damage = Damage(str(error.filename or ""), error.strerror or str(error))
    if damage is None:
        return
    verb = "train preference" if (folder / "preference.json").is_file() else "train"
    raise TrainingError(
        "the adapter's weights cannot be read",
        where=str(folder / damage.name),
        expected="the safetensors file that training wrote",
        got=damage.why,
        mend=f'Make it anew: rehearsal {verb} "{folder.parent.parent}"',
    )
