"""Where runs are kept, and the settings in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domain.errors import StoreError
from domain.runfolder import RunFolder
from domain.settings import Settings
from rehearsal.runs import save_settings

if TYPE_CHECKING:
    from pathlib import Path


def test_a_full_disk_keeps_the_settings_that_were_there(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    save_settings(Settings(name="trial"), folder)
    kept = folder.config.read_bytes()
    folder.config.with_name(f".{folder.config.name}.new").symlink_to("/dev/full")
    with pytest.raises(StoreError, match="disk is full"):
        save_settings(Settings(name="other"), folder)
    assert folder.config.read_bytes() == kept
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]
