"""The whole loop as a user runs it: one command, no network, a report at the end."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.cli import run


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "REHEARSAL_RUNS": str(tmp_path / "my runs"),
        "REHEARSAL_CAMPAIGN__SESSIONS": "12",
        "REHEARSAL_EVALUATION__CONTEXTS": "10",
        "REHEARSAL_TRAINING__SUPERVISED_TOKENS": "12000",
    }


def rehearse(*words: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "rehearsal", *words],
        capture_output=True,
        text=True,
        env=environment,
        timeout=900,
        check=False,
    )


@pytest.mark.slow
def test_the_loop_ends_with_a_report(environment: dict[str, str]) -> None:
    done = rehearse("demo", "--json", environment=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout)
    assert result["campaign"]["planned"] == 12
    assert result["campaign"]["accepted"] > 0
    assert set(result["training"]) >= {"real", "synthetic", "hybrid"}
    tokens = {each["supervised_tokens"] for each in result["training"].values()}
    assert len(tokens) == 1, "every variant is trained on the same number of supervised tokens"
    means = result["evaluation"]["statistics"]["means"]
    judged = {mean["variant"] for mean in means}
    assert judged >= {"base", "real", "synthetic", "hybrid"}
    assert len({mean["n"] for mean in means}) == 1, "every variant answers the same scenarios"
    report = Path(result["report"]).read_text()
    assert "understudy" in report
    assert "http://" not in report.replace("http://www.w3.org", "")
    root = result["run"]
    assert rehearse("campaign", "status", root, "--json", environment=environment).returncode == 0
    listed = rehearse("trace", "list", root, "--json", environment=environment)
    sessions = json.loads(listed.stdout)
    assert len(sessions) == 12
    shown = rehearse(
        "trace", "show", sessions[0]["session"], "--run", root, environment=environment
    )
    assert "therapist:" in shown.stdout


@pytest.fixture
def own(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Transcripts that are the user's own: copies of the samples, elsewhere."""
    monkeypatch.setenv("REHEARSAL_RUNS", str(tmp_path / "runs"))
    return Path(shutil.copytree(repository / "examples" / "transcripts", tmp_path / "own"))


def test_own_transcripts_wait_for_a_signature(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["demo", "--transcripts", str(own)]) == 3
    err = capsys.readouterr().err
    folder = tmp_path / "runs" / "demo"
    assert "nobody has signed" in err
    assert f'--run "{folder}" --sign-off NAME' in err
    assert (folder / "corpus" / "review.md").is_file()
    assert not (folder / "corpus" / "real.jsonl").exists()
    assert run(["corpus", "sign-off", str(folder), "--name", "N. N.", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["signed_off"] == 12


def test_a_config_that_names_transcripts_is_not_signed_by_the_project(
    own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REHEARSAL_CORPUS__TRANSCRIPTS", str(own))
    assert run(["demo"]) == 3
    assert "nobody has signed" in capsys.readouterr().err


def test_a_review_that_nobody_has_read_is_not_signed(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["demo", "--transcripts", str(own), "--run", str(tmp_path / "run")]
    assert run(words) == 3
    (own / "session-perfectionism.srt").unlink()
    assert run([*words, "--sign-off", "N. N."]) == 3
    assert "have changed" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["missing", "empty", "wrong"])
def test_what_is_no_transcript_is_said(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REHEARSAL_RUNS", str(tmp_path / "runs"))
    place = tmp_path / "given"
    if kind != "missing":
        place.mkdir()
    if kind == "wrong":
        (place / "photo.vtt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    code = run(["demo", "--transcripts", str(place), "--sign-off", "N. N."])
    assert code == (2 if kind == "missing" else 1)
    err = capsys.readouterr().err
    assert "given" in err
    assert "Traceback" not in err


def test_transcripts_that_are_not_there_leave_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REHEARSAL_RUNS", str(tmp_path / "runs"))
    assert run(["demo", "--transcripts", str(tmp_path / "nope")]) == 2
    assert not (tmp_path / "runs").exists()
