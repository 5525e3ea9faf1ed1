"""Fixtures shared by every room: the real transcripts, one local Ray."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("LANGSMITH_TRACING", "false")
# How wide somebody's terminal is must not decide where messages break; xdist sets it as well.
os.environ.pop("COLUMNS", None)

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Published transcripts that stand beside some checkouts; they are never part of ours."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no ../shared/data beside this checkout")
    return folder


@pytest.fixture(scope="session")
def local_ray() -> Iterator[None]:
    """One Ray for the whole test session: starting it takes longer than most tests."""
    from domain.settings import EngineSettings
    from engine import cluster

    cluster.start(EngineSettings(kind="ray", workers=2))
    yield
    cluster.stop()
