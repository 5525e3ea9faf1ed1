"""Where runs are kept, and the settings in them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from domain.errors import ExitCode, StoreError
from domain.runfolder import RunFolder
from domain.settings import Settings
from rehearsal.cli import run
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
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "StoreError"
    assert not (tmp_path / "runs" / "x").exists()
