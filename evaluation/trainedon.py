"""Which blend an adapter was trained on, and which one lies in the run now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from corpus.manifest import MESSAGES, file_hash
from domain.errors import LeakError, StoreError
from evaluation.parts import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from domain.runfolder import RunFolder

TRAINED = "training.json"
"""What training leaves in an adapter's folder."""


class _Trained(Shown):
    blend_hash: str
    """SHA-256 of the blend's messages, in hex."""


def blend_trained_on(model: Path) -> str:
    """Return the hash of the blend that a model on disk was trained on; empty where none is told.

    Raises:
        StoreError: `training.json` is there and cannot be read.
    """
    path = model / TRAINED
    if not path.is_file():
        return ""
    try:
        return _Trained.model_validate_json(path.read_bytes()).blend_hash
    except (ValidationError, OSError) as error:
        raise StoreError(
            "what an adapter was trained on cannot be read",
            where=str(path),
            expected="the JSON that training wrote there, with blend_hash",
            got=str(error).splitlines()[0],
            mend="Train the variant again: `rehearsal train RUN`.",
        ) from error


def blend_now(folder: RunFolder, variant: str) -> str:
    """Return the hash of the blend that lies in the run; empty where it has no messages."""
    path = folder.blend(variant) / MESSAGES
    return file_hash(path) if path.is_file() else ""


def require_same_blends(folder: RunFolder, models: Mapping[str, Path]) -> None:
    """Refuse models that were trained on another blend than the one that lies in the run.

    What such a model has seen cannot be told from the blend that took the place of its own.

    Args:
        folder: The run.
        models: Folders of models by variant, of each of which a blend lies in the run.

    Raises:
        LeakError: Names them.
        StoreError: A `training.json` cannot be read.
    """
    trained = {name: blend_trained_on(path) for name, path in models.items()}
    others = [name for name, known in trained.items() if known and known != blend_now(folder, name)]
    if not others:
        return
    first = others[0]
    raise LeakError(
        f"{', '.join(others)}: trained on another blend than the one in the run, so whether "
        "the scenarios were in it cannot be told",
        where=str(models[first] / TRAINED),
        expected=f"blend_hash {(blend_now(folder, first) or 'of a blend that is gone')[:12]}, of "
        f"{folder.blend(first) / MESSAGES}",
        got=f"blend_hash {trained[first][:12]}",
        mend=f'train again: rehearsal train "{folder.root}"',
    )
