"""Fixtures of the corpus's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domain.runfolder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """An empty run folder."""
    return RunFolder(tmp_path / "run")


@pytest.fixture
def samples(repository: Path) -> Path:
    """The transcripts that ship with the project."""
    return repository / "examples" / "transcripts"
