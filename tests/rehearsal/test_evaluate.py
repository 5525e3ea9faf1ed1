"""What `evaluate` and the other verbs that ask a judge say where they stop, or cannot begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agents.endpoint import _silent
from domain.errors import ExitCode
from domain.runfolder import RunFolder
from domain.settings import RoleSettings
from engine.bench import interrupted
from engine.spending.budget import Spend, reached
from rehearsal.cli import run

if TYPE_CHECKING:
    from pathlib import Path

VARIANTS = ("real", "synthetic", "hybrid")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A run, `x`, of which nothing is trained."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REHEARSAL_RUNS", raising=False)
    folder = RunFolder(tmp_path / "runs" / "x")
    folder.root.mkdir(parents=True)
    folder.config.write_text(
        "name: x\nendpoint: {base_url: 'http://127.0.0.1:9/v1'}\n"
        "roles: {client: {model: m}, therapist: {model: m}, supervisor: {model: m}}\n"
        "campaign: {sessions: 2}\nengine: {kind: inline}\n"
        "training: {base: some/base, variants: [real, synthetic, hybrid]}\n"
    )
    folder.comparison.parent.mkdir()
    folder.comparison.touch()
    return folder


def train(folder: RunFolder, *variants: str) -> None:
    for name in variants:
        (folder.adapters / name).mkdir(parents=True)


def test_variants_that_were_never_trained_are_named(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    train(folder, "real")
    assert run(["evaluate", "x"]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert "synthetic, hybrid are not trained yet" in said
    assert 'rehearsal train "x"' in said
    train(folder, "hybrid")
    assert run(["evaluate", "x", "--dry-run"]) == ExitCode.USAGE
    assert "synthetic is not trained yet" in capsys.readouterr().err


STOPS = [
    KeyboardInterrupt(),
    interrupted(),
    reached(Spend(calls=5), Spend(calls=5)),
    _silent(RoleSettings(base_url="http://host/v1", model="m"), "roles.judge", "silent"),
]
ENDS = [
    ExitCode.INTERRUPTED, ExitCode.INTERRUPTED, ExitCode.BUDGET_REACHED, ExitCode.FAILED,
]  # fmt: skip


@pytest.mark.parametrize(("stop", "end"), list(zip(STOPS, ENDS, strict=True)))
def test_an_evaluation_that_stops_names_the_command_that_goes_on(
    folder: RunFolder,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    stop: BaseException,
    end: ExitCode,
) -> None:
    def stopping(*_: object, **__: object) -> None:
        raise stop

    train(folder, *VARIANTS)
    monkeypatch.setattr("evaluation.run.evaluate", stopping)
    assert run(["evaluate", "x"]) == end
    said = " ".join(capsys.readouterr().err.split())
    assert "campaign" not in said
    assert 'rehearsal evaluate "' in said
    assert 'runs/x"' in said
    assert ("evaluation.budget" in said) is (end == ExitCode.BUDGET_REACHED)


@pytest.mark.parametrize(
    ("verb", "where"),
    [
        (["judge", "certify", "x"], "evaluation.certificate.run.certify"),
        (["critic", "planted", "x"], "evaluation.planted.run.planted"),
        (["critic", "injection", "x"], "evaluation.injection.run.injection"),
    ],
)
def test_other_verbs_go_on_with_the_same_command(
    folder: RunFolder,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    verb: list[str],
    where: str,
) -> None:
    def stopping(*_: object, **__: object) -> None:
        raise interrupted()

    for module in ("planted", "injection"):
        monkeypatch.setattr(f"evaluation.{module}.run.planned", lambda *_: [])
    monkeypatch.setattr(where, stopping)
    assert folder.config.is_file()
    assert run(verb) == ExitCode.INTERRUPTED
    said = capsys.readouterr().err
    assert "campaign resume" not in said
    assert "give the same command again" in said
