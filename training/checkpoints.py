"""The last checkpoint of a run in this process: there whole, or the one before it still is."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PREFIX, PART = "checkpoint-", "part-of-checkpoint"


def keep_checkpoint(storage: Path, made: Path, step: int) -> None:
    """Copy `made` into `storage` as the checkpoint after `step` steps; earlier ones go last.

    A kill at any point leaves a whole checkpoint, if there was one. Steps only grow: a run that
    goes on begins after its last checkpoint.
    """
    part = storage / PART
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(made, part)
    kept = storage / f"{PREFIX}{step:08d}"
    part.rename(kept)
    for old in storage.glob(f"{PREFIX}*"):
        if old != kept:
            shutil.rmtree(old)


def last_checkpoint(storage: Path) -> Path | None:
    """Return the folder of the latest whole checkpoint, if there is one."""
    return max(storage.glob(f"{PREFIX}*"), default=None)
