"""A run's plan after something happened to its file: said, rebuilt, and never read in part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from campaigns.bill import bill_of
from campaigns.parquet import export_parquet
from campaigns.run import run_campaign
from campaigns.status import campaign_status
from campaigns.trace import list_traces, load_trace
from domain.errors import BudgetReachedError, ResumeRefusedError, StoreError
from domain.progress import silent
from domain.runfolder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeAlias

    from domain.settings import Settings
    from tests.campaigns.conftest import Stage

    Read: TypeAlias = Callable[[RunFolder, Settings], object]

READERS: dict[str, Read] = {
    "export": lambda folder, _: export_parquet(folder, folder.root / "tables", {}),
    "bill": bill_of,
    "trace list": lambda folder, _: list_traces(folder),
    "trace show": lambda folder, _: load_trace(folder, "0"),
    "status": lambda folder, settings: campaign_status(folder, settings, coverage=True),
}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


@pytest.fixture
def stopped(stage: Stage, folder: RunFolder) -> Settings:
    """A campaign that has spent its budget; what is returned is what goes on with it."""
    with pytest.raises(BudgetReachedError):
        run_campaign(stage.settings(budget={"calls": 20}), folder, silent)
    return stage.settings()


def cut(folder: RunFolder) -> None:
    whole = folder.plan.read_bytes()
    folder.plan.write_bytes(whole[: len(whole) // 3])


def shorten(folder: RunFolder) -> None:
    folder.plan.write_bytes(b"".join(folder.plan.read_bytes().splitlines(keepends=True)[:2]))


def edit(folder: RunFolder) -> None:
    folder.plan.write_bytes(folder.plan.read_bytes().replace(b'"age":', b'"age": ', 1))


def remove(folder: RunFolder) -> None:
    folder.plan.unlink()


@pytest.mark.parametrize("spoil", [cut, shorten, edit, remove])
def test_no_reader_leaves_out_sessions_in_silence(
    stopped: Settings, folder: RunFolder, spoil: Callable[[RunFolder], None]
) -> None:
    for read in READERS.values():
        read(folder, stopped)
    spoil(folder)
    for name, read in READERS.items():
        with pytest.raises(StoreError) as raised:
            read(folder, stopped)
        assert raised.value.where == str(folder.plan), name
        assert raised.value.mend, name


@pytest.mark.parametrize("spoil", [cut, shorten, edit])
def test_a_spoilt_plan_is_refused_before_anything_is_spent(
    stage: Stage, stopped: Settings, folder: RunFolder, spoil: Callable[[RunFolder], None]
) -> None:
    spoil(folder)
    asked = dict(stage.asked)
    with pytest.raises(ResumeRefusedError) as raised:
        run_campaign(stopped, folder, silent, resume=True)
    assert "cast.jsonl" in raised.value.mend
    assert stage.asked == asked


def test_a_plan_that_is_gone_is_written_anew_from_the_cast(
    stage: Stage, stopped: Settings, folder: RunFolder, tmp_path: Path
) -> None:
    written = folder.plan.read_bytes()
    remove(folder)
    run_campaign(stopped, folder, silent, resume=True)
    assert folder.plan.read_bytes() == written
    whole = RunFolder(tmp_path / "whole")
    run_campaign(stage.settings(), whole, silent)
    assert folder.sessions.read_bytes() == whole.sessions.read_bytes()


def test_a_plan_that_is_gone_with_its_cast_is_refused_before_anything_is_spent(
    stage: Stage, stopped: Settings, folder: RunFolder
) -> None:
    remove(folder)
    lines = folder.cast.read_bytes().splitlines(keepends=True)
    folder.cast.write_bytes(b"".join(lines[1:] + lines[:1]))
    asked = dict(stage.asked)
    with pytest.raises(StoreError, match="its cast is not the one") as raised:
        run_campaign(stopped, folder, silent, resume=True)
    assert raised.value.where == str(folder.plan)
    folder.cast.unlink()
    with pytest.raises(StoreError, match="its cast is not the one"):
        run_campaign(stopped, folder, silent, resume=True)
    assert stage.asked == asked
