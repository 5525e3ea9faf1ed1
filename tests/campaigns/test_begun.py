"""A run's plan after something happened to its file: said, rebuilt, and never read in part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from campaigns import begun
from campaigns.begun import begun_plan
from campaigns.bill import bill_of
from campaigns.manifest import Manifest, begin_casting
from campaigns.parquet import export_parquet
from campaigns.planfile import PlanLines, read_lines
from campaigns.refillfile import read_refills, write_refills
from campaigns.run import run_campaign
from campaigns.status import campaign_status
from campaigns.trace import list_traces, load_trace
from domain.errors import BudgetReachedError, ConfigError, ResumeRefusedError, StoreError
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
        assert "cast.jsonl" in raised.value.mend, name


def test_a_campaign_that_is_being_cast_has_no_plan_to_restore(
    stage: Stage, folder: RunFolder
) -> None:
    begin_casting(folder, Manifest(settings=stage.settings(), pack_hash="p", plan_hash=""))
    with pytest.raises(StoreError, match="still being written") as raised:
        begun_plan(folder)
    assert f'campaign resume "{folder.root}"' in raised.value.mend


def test_a_number_beyond_the_plan_is_no_beginning_of_an_id(
    stopped: Settings, folder: RunFolder
) -> None:
    count = len(begun_plan(folder).lines)
    assert load_trace(folder, str(count - 1)).item.index == count - 1
    for number in (count, 10 * count, 9_999_999):
        with pytest.raises(ConfigError, match="no session of that number"):
            load_trace(folder, str(number))


@pytest.fixture
def from_cast(stage: Stage, folder: RunFolder, tmp_path: Path) -> Settings:
    """A stopped campaign that plays a cast that was brought along."""
    earlier = RunFolder(tmp_path / "earlier")
    run_campaign(stage.settings(), earlier, silent)
    with pytest.raises(BudgetReachedError):
        run_campaign(stage.settings(cast=str(earlier.cast), budget={"calls": 20}), folder, silent)
    return stage.settings(cast=str(earlier.cast))


@pytest.fixture
def refilled(stage: Stage, folder: RunFolder) -> Settings:
    """A finished campaign that lines were added to."""
    settings = stage.settings(8, casting={"refill": 1.0, "tries": 3})
    run_campaign(settings, folder, silent)
    assert len(read_refills(folder, 8).lines) > 1
    return settings


def cut_refills(folder: RunFolder) -> None:
    folder.plan.write_bytes(b"".join(folder.plan.read_bytes().splitlines(keepends=True)[:8]))


def edit_refills(folder: RunFolder) -> None:
    lines = folder.plan.read_bytes().splitlines(keepends=True)
    lines[-1] = lines[-1].replace(b'"age":', b'"age":1', 1)
    folder.plan.write_bytes(b"".join(lines))


def test_a_plan_of_a_cast_that_was_brought_is_looked_at_before_anything_is_spent(
    stage: Stage, from_cast: Settings, folder: RunFolder
) -> None:
    cut(folder)
    asked = dict(stage.asked)
    with pytest.raises(ResumeRefusedError):
        run_campaign(from_cast, folder, silent, resume=True)
    assert stage.asked == asked
    remove(folder)
    assert run_campaign(from_cast, folder, silent, resume=True).finished == 6


@pytest.mark.parametrize("spoil", [cut_refills, edit_refills])
def test_lines_that_were_added_count_as_well(
    stage: Stage, refilled: Settings, folder: RunFolder, spoil: Callable[[RunFolder], None]
) -> None:
    written, exported = folder.plan.read_bytes(), folder.sessions.read_bytes()
    spoil(folder)
    asked = dict(stage.asked)
    for name, read in READERS.items():
        with pytest.raises(StoreError) as raised:
            read(folder, refilled)
        assert raised.value.where == str(folder.plan), name
    with pytest.raises(ResumeRefusedError):
        run_campaign(refilled, folder, silent, resume=True)
    remove(folder)
    run_campaign(refilled, folder, silent, resume=True)
    assert stage.asked == asked
    assert folder.plan.read_bytes() == written
    assert folder.sessions.read_bytes() == exported


def test_a_refill_while_one_reads_is_no_fault(
    stage: Stage, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_campaign(stage.settings(8), folder, silent)
    read = read_lines

    def meanwhile(path: Path) -> PlanLines:
        before = read(path)
        more = PlanLines((*before.lines, before.lines[0]))
        path.write_bytes(b"".join(line + b"\n" for line in more.lines))
        write_refills(folder, (8, 1), more)
        return before

    monkeypatch.setattr(begun, "read_lines", meanwhile)
    assert len(begun.begun_plan(folder).lines) == 8


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
