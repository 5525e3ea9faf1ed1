"""`rehearsal cast` through the command line."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import shutil
from typing import TYPE_CHECKING

import pytest

from campaigns.coverage import placed
from domain.coverage import CoverageLine, CoverageTable
from domain.errors import ExitCode
from domain.runfolder import RunFolder
from engine.ledger.ledger import Ledger
from engine.ledger.shards import shard_at
from rehearsal.cli import run
from rehearsal.coverage_view import CELLS
from rehearsal.watch import coverage_text

if TYPE_CHECKING:
    from pathlib import Path

RUN_FILE = """
name: small
campaign:
  sessions: 60
  casting:
    gender: {woman: 0.5, man: 0.4, non-binary: 0.1}
"""


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with a cast of 60 in runs/small, and what `--json` said of it."""
    folder = tmp_path_factory.mktemp("once")
    (folder / "small.yaml").write_text(RUN_FILE)
    said = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(said):
        assert run(["cast", "make", "small.yaml", "--run", "runs/small", "--json"]) == ExitCode.DONE
    return folder, said.getvalue()


@pytest.fixture(autouse=True)
def made(once: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A copy of it to work in; returns what `--json` said."""
    shutil.copytree(once[0], tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REHEARSAL_RUNS", raising=False)
    return once[1]


def test_a_cast_is_made_without_playing_it(made: str, tmp_path: Path) -> None:
    found = json.loads(made)
    assert found["personas"] == found["ids"] == 60
    assert found["made_by"] == {"grammar": 60}
    assert {
        one["dimension"]: one["p"] > 0.01 for one in found["fit"]["dimensions"]
    } == dict.fromkeys(("problem", "technique", "age", "risk", "style", "gender", "culture"), True)
    assert (tmp_path / "runs/small/cast.jsonl").read_text().count("\n") == 60
    assert not (tmp_path / "runs/small/sessions.jsonl").exists()


def test_a_cast_that_is_not_what_was_asked_for_ends_with_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cast = "runs/small/cast.jsonl"
    assert run(["cast", "check", cast, "--config", "small.yaml"]) == ExitCode.DONE
    other = RUN_FILE.replace("woman: 0.5, man: 0.4", "woman: 0.1, man: 0.8")
    (tmp_path / "other.yaml").write_text(other)
    assert "Every share is as asked." in capsys.readouterr().out
    assert run(["cast", "check", cast, "--config", "other.yaml"]) == ExitCode.GATE_NOT_MET
    said = " ".join(capsys.readouterr().out.split())
    assert "✗ gender: not as asked, which is p above 0.01" in said
    code = run(["cast", "check", cast, "--config", "other.yaml", "--json"])
    assert code == ExitCode.GATE_NOT_MET
    [gender] = [
        one
        for one in json.loads(capsys.readouterr().out)["fit"]["dimensions"]
        if one["dimension"] == "gender"
    ]
    assert gender["p"] < 0.01
    assert gender["worst_points"] == pytest.approx(40, abs=2)


def test_a_cast_is_brought_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["cast", "import", "runs/small/plan.jsonl", "--out", "own.jsonl", "--json"])
    assert code == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["personas"] == 60
    assert (tmp_path / "own.jsonl").read_text().count('"made_by":"brought"') == 60


def test_coverage_is_told_and_drawn_before_anything_is_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(["cast", "coverage", "small", "--figure", "figures", "--json"])
    assert code == ExitCode.DONE
    found = json.loads(capsys.readouterr().out)
    assert sum(cell["planned"] for cell in found["cells"]) == 60
    assert all(cell["accepted"] == 0 for cell in found["cells"])
    assert {line["dimension"] for line in found["lines"]} == {"problem", "technique", "style"}
    assert (tmp_path / "figures/coverage.png").read_bytes().startswith(b"\x89PNG")
    svg = (tmp_path / "figures/coverage.svg").read_text()
    assert "downward arrow" in svg
    assert run(["cast", "coverage", "small"]) == ExitCode.DONE
    assert "60 sessions were dealt" in " ".join(capsys.readouterr().out.split())


def test_a_cast_that_nobody_played_is_said_to_be_one_and_watch_shows_its_coverage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["campaign", "status", "small"]) == ExitCode.DONE
    said = capsys.readouterr().out
    assert "cast, not played" in said
    assert "to play it" in said
    assert "stopped" not in said
    assert run(["campaign", "watch", "small", "--once"]) == ExitCode.DONE
    assert capsys.readouterr().out == said
    assert "cells of problem, technique and style" in said


def test_values_that_share_the_last_place_are_all_named() -> None:
    lines = [
        CoverageLine(
            dimension="problem",
            value=value,
            planned=4,
            accepted=got,
            rejected=4 - got,
            acceptance=got / 4,
        )
        for value, got in (("burnout", 2), ("grief", 2), ("panic", 3))
    ]
    table = CoverageTable(wanted=12, cells=(), lines=tuple(lines), thin=2)
    assert "problem least accepted: burnout, grief, 50%" in coverage_text(table)
    assert "2 thin: played out, fewer accepted than wanted" in coverage_text(table)


async def end(folder: RunFolder, labels: list[str]) -> None:
    """End the first sessions of a plan with `labels`."""
    ledger = Ledger(shard_at(folder.ledger, 1, 1), "hash")
    try:
        lines = folder.plan.read_bytes().splitlines()
        for one, label in zip(placed(lines), labels, strict=False):
            await ledger.finish(one.session, b"{}", label)
    finally:
        ledger.close()


@pytest.mark.parametrize("last", ["quarantined:empty", "rejected:ending"])
def test_coverage_names_the_cells_that_are_thin_and_that_reject(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], last: str
) -> None:
    """The text gave margins and how many cells are thin, and no cell."""
    labels = ["accepted"] * 5 + ["rejected:ending"] * 30 + [last] * 25
    asyncio.run(end(RunFolder(tmp_path / "runs/small"), labels))
    assert run(["cast", "coverage", "small", "--json"]) == ExitCode.DONE
    table = json.loads(capsys.readouterr().out)
    rejecting = [cell for cell in table["cells"] if cell["rejected"]]
    assert run(["cast", "coverage", "small"]) == ExitCode.DONE
    said = capsys.readouterr().out
    lists = said.split(" are thin.")[1].split("Rejecting most")
    assert [each.count(" / ") for each in lists] == [2 + 2 * CELLS] * len(lists)
    assert f"and {table['thin'] - CELLS} more" in lists[0]
    assert f"and {len(rejecting) - CELLS} more" in lists[-1]
    assert len(lists) == (1 if last.startswith("rejected") else 2), "the same cells are named once"
    assert 'rehearsal cast coverage "small" --json' in said


def test_an_impossible_cast_is_refused_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.yaml").write_text(
        "campaign:\n  casting:\n    problem: {panic: 1.0}\n"
        "    technique: {responsibility_pie: 1.0}\n"
    )
    assert run(["cast", "make", "bad.yaml", "--json"]) == ExitCode.USAGE
    error = json.loads(capsys.readouterr().out)["error"]
    assert "bad.yaml:" in error["where"]
    assert error["mend"]
    assert not (tmp_path / "runs/bad").exists()
