"""Whole campaigns whose ledger lies in PostgreSQL: the same bytes as with files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("psycopg", reason='needs the extra "postgres": pip install -e ".[postgres]"')

from campaigns.run import run_campaign
from domain.progress import silent
from domain.runfolder import RunFolder
from engine.ledger.shards import list_shards
from engine.ledger.store import Store
from tests.engine.postgres_server import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from domain.settings import Settings
    from tests.campaigns.conftest import Stage

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running() as address:
        yield address


def played(settings: Settings, folder: RunFolder) -> bytes:
    summary = run_campaign(settings, folder, silent)
    assert Store(folder.ledger).check() == summary.calls
    return folder.sessions.read_bytes()


def kept_in(url: str, settings: Settings, **engine: int) -> Settings:
    changed = settings.engine.model_copy(update={"store": url, **engine})
    return settings.model_copy(update={"engine": changed})


def test_files_and_postgresql_give_the_same_bytes(stage: Stage, tmp_path: Path, url: str) -> None:
    one, two = RunFolder(tmp_path / "one"), RunFolder(tmp_path / "two")
    assert played(stage.settings(), one) == played(kept_in(url, stage.settings()), two)
    assert all(shard.place is not None for shard in list_shards(two.ledger))
    assert not list(two.ledger.glob("*.sqlite"))


@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
def test_two_workers_on_ray_write_to_postgresql_at_once(
    stage: Stage, tmp_path: Path, url: str
) -> None:
    one, two = RunFolder(tmp_path / "one"), RunFolder(tmp_path / "two")
    stage.latency_s = 0.02
    on_ray = kept_in(url, stage.settings(sessions=12, kind="ray"), workers=2)
    assert played(stage.settings(sessions=12), one) == played(on_ray, two)
    assert {shard.worker for shard in list_shards(two.ledger)} == {1, 2}
