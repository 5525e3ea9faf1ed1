"""Where runs are kept, and the settings in them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from domain.errors import ConfigError, ExitCode, StoreError
from domain.runfolder import RunFolder
from domain.settings import Settings
from rehearsal.cli import run
from rehearsal.runs import open_run, refuse_foreign, save_settings

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


@pytest.mark.parametrize("verb", [["campaign", "run"], ["cast", "make"]])
@pytest.mark.parametrize("below", ["", "/deeper/still"])
def test_a_run_cannot_be_where_a_file_is(
    verb: list[str], below: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.yaml").write_text("name: x\n")
    taken = tmp_path / "taken"
    taken.write_text("kept")
    words = [*verb, str(tmp_path / "run.yaml"), "--run", f"{taken}{below}", "--json"]
    assert run(words) == ExitCode.USAGE
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["got"] == f"{taken} is a file"
    assert taken.read_text() == "kept"


@pytest.mark.parametrize("verb", [["campaign", "run"], ["cast", "make"]])
@pytest.mark.parametrize("name", ["config.yaml", "sessions.jsonl", "cast.jsonl"])
def test_files_that_no_run_has_made_are_not_written_over(
    verb: list[str], name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = tmp_path / name
    theirs.write_text("name: x  # notes of mine\n")
    (tmp_path / "run.yaml").write_text("name: x\n")
    words = [*verb, str(tmp_path / "run.yaml"), "--run", str(tmp_path), "--json"]
    assert run(words) == ExitCode.USAGE
    assert json.loads(capsys.readouterr().out)["error"]["got"] == name
    assert theirs.read_text() == "name: x  # notes of mine\n"
    assert {path.name for path in tmp_path.iterdir()} == {name, "run.yaml"}


def test_the_folder_of_the_runs_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "campaign.json").touch()
    with pytest.raises(ConfigError, match="runs are kept in this folder"):
        refuse_foreign(RunFolder(tmp_path))


def test_what_a_run_has_made_is_its_own(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.plan.touch()
    with pytest.raises(ConfigError):
        refuse_foreign(folder)
    save_settings(Settings(name="trial"), folder)  # it was stopped before its manifest was written
    refuse_foreign(folder)


def test_a_run_whose_run_file_is_gone_is_told_from_none(tmp_path: Path) -> None:
    (tmp_path / "campaign.json").touch()
    with pytest.raises(ConfigError, match="its run file is gone") as raised:
        open_run(str(tmp_path))
    assert raised.value.where == str(tmp_path / "config.yaml")


def test_a_run_without_its_database_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip(
        "psycopg", reason='needs the extra "postgres": pip install -e ".[postgres]"'
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_text(
        "name: x\nendpoint: {base_url: understudy}\n"
        "engine: {kind: inline, store: 'postgresql://me@127.0.0.1:1/none'}\n"
        "campaign: {sessions: 2}\n"
    )
    assert run(["campaign", "run", "run.yaml", "--json"]) == ExitCode.FAILED
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "StoreAwayError"
    assert not (tmp_path / "runs" / "x").exists()
