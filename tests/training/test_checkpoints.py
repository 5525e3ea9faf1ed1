from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from training.checkpoints import keep_checkpoint, last_checkpoint

if TYPE_CHECKING:
    from pathlib import Path


def made(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "weights").write_text(text)
    return folder


def test_the_latest_checkpoint_is_kept_alone(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    assert last_checkpoint(storage) is None
    for step in (9, 10, 100):
        keep_checkpoint(storage, made(tmp_path / str(step), str(step)), step)
    last = last_checkpoint(storage)
    assert last is not None
    assert (last / "weights").read_text() == "100"
    assert list(storage.iterdir()) == [last]


def test_a_copy_that_breaks_off_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    keep_checkpoint(storage, made(tmp_path / "first", "whole"), 3)
    broken = made(tmp_path / "second", "half")
    (broken / "optimizer").symlink_to(tmp_path / "nowhere")  # copying it fails
    with pytest.raises(shutil.Error):
        keep_checkpoint(storage, broken, 6)
    last = last_checkpoint(storage)
    assert last is not None
    assert (last / "weights").read_text() == "whole"
    # what was left of the copy is in nobody's way
    (broken / "optimizer").unlink()
    keep_checkpoint(storage, broken, 6)
    last = last_checkpoint(storage)
    assert last is not None
    assert (last / "weights").read_text() == "half"
    assert list(storage.iterdir()) == [last]
