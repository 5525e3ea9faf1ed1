"""The command line as a program sees it: exit codes, one JSON document, clean streams."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table
from rich.tree import Tree

from agents.packfolder import INSTALLED
from rehearsal import __version__
from rehearsal.cli import run
from rehearsal.console import show


@pytest.fixture(autouse=True)
def _in_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REHEARSAL_RUNS", str(tmp_path / "runs"))


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"rehearsal {__version__}"


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    for verb in (
        "demo", "understudy", "campaign", "trace", "corpus", "train", "evaluate", "report",
        "doctor",
    ):  # fmt: skip
        assert verb in out


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from rehearsal.cli import run; run(['campaign', '--help']);"
        "heavy = {'ray', 'torch', 'transformers', 'langchain_core', 'langgraph', 'matplotlib',"
        " 'scipy', 'sqlalchemy', 'pyarrow', 'aiohttp'} & set(sys.modules);"
        "print(sorted(heavy), file=sys.stderr)"
    )
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"


def test_an_unknown_option_is_usage() -> None:
    assert run(["campaign", "run", "--frobnicate"]) == 2


def test_a_missing_run_file_is_exit_2_with_its_mend(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["campaign", "run", "none.yaml"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "none.yaml: the run file is not there" in captured.err
    assert "cp configs/demo.yaml" in captured.err


@pytest.mark.parametrize(
    ("asked", "option"),
    [
        ("critic check", "--annomi"),
        ("critic train --to critic.safetensors --failed mine.yaml", "--esconv"),
        ("critic score runs/mine", "--critic"),
        ("judge certify mine.yaml", "--human"),
        ("corpus reviews mine.yaml", "--from"),
        ("corpus ingest mine.yaml", "--transcripts"),
    ],
)
def test_a_path_that_is_not_there_is_exit_2_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: str, option: str
) -> None:
    (tmp_path / "mine.yaml").write_text("name: mine\n")
    if "runs/mine" in asked:
        (tmp_path / "runs/mine").mkdir(parents=True)
        shutil.copy(tmp_path / "mine.yaml", tmp_path / "runs/mine/config.yaml")
    before = sorted(tmp_path.rglob("*"))
    assert run([*asked.split(), option, "nowhere", "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["where"].startswith(option)
    assert error["where"].endswith(": nowhere")
    assert sorted(tmp_path.rglob("*")) == before


def test_failure_as_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["campaign", "run", "none.yaml", "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["kind"] == "ConfigError"
    assert error["exit_code"] == 2
    assert error["mend"]


def test_an_unreachable_endpoint_spends_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.yaml").write_text(
        "name: x\nendpoint: {base_url: 'http://127.0.0.1:9/v1'}\nengine: {kind: inline}\n"
    )
    assert run(["campaign", "run", "run.yaml"]) == 1
    err = capsys.readouterr().err
    assert "roles.client" in err
    assert "http://127.0.0.1:9/v1" in err
    assert "rehearsal understudy" in err
    assert not (tmp_path / "runs" / "x" / "sessions.jsonl").exists()


def test_no_campaigns_yet_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["campaign", "list"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("No campaigns in ")
    assert "runs yet" in said
    assert run(["campaign", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_what_is_signed_for_at_once_is_not_to_be_read_before_signing(
    tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.yaml").write_text("name: x\n")
    words = ["corpus", "ingest", "run.yaml", "--transcripts"]
    words.append(str(repository / "examples/transcripts"))
    assert run(words) == 0
    assert "Read before signing: " in capsys.readouterr().out
    assert run([*words, "--sign-off", "A Reader"]) == 0
    said = capsys.readouterr().out
    assert "Read before signing" not in said
    assert "signed off by A Reader" in said


def test_doctor_says_whose_packages_these_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json"]) == 0
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["package agents"]["found"] == "ours"


def test_telemetry_of_dependencies_is_off() -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "HF_", "LANG"))}
    code = (
        "from rehearsal.cli import silence_telemetry; silence_telemetry(); import os;"
        "print(os.environ['RAY_USAGE_STATS_ENABLED'], os.environ['HF_HUB_DISABLE_TELEMETRY'],"
        "os.environ['LANGSMITH_TRACING'])"
    )
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.split() == ["0", "1", "false"]


def test_a_pack_is_checked_and_a_broken_one_is_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["pack", "list", "--json"]) == 0
    assert [one["name"] for one in json.loads(capsys.readouterr().out)] == ["cbt", "mi"]
    assert run(["pack", "check", "mi", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["problems"] == 7
    own = shutil.copytree(INSTALLED / "mi", tmp_path / "own")
    (own / "crisis.yaml").unlink()
    assert run(["pack", "check", str(own), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["kind"], error["where"]) == ("PackError", "own/crisis.yaml")


def test_an_empty_signature_is_bad_usage_of_its_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["corpus", "sign-off", "mine", "--name", " ", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["where"] == "--name"


@pytest.mark.parametrize(
    ("verb", "usage"),
    [
        (["trace", "show"], "[OPTIONS] SESSION"),
        (["doctor"], "[OPTIONS] [CONFIG]"),
        (["corpus", "forget"], "[OPTIONS] [RUN] RECORD"),
    ],
)
def test_usage_has_no_marks_but_the_square_brackets(
    capsys: pytest.CaptureFixture[str], verb: list[str], usage: str
) -> None:
    assert run([*verb, "--help"]) == 0
    said = capsys.readouterr().out
    assert f"rehearsal {' '.join(verb)} {usage}" in said
    assert "{" not in said
    assert "[[" not in said


def test_a_wrong_verb_and_a_wrong_option_are_told_with_what_there_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert run(["campaign", "frobnicate"]) == 2
    assert "There are: run, resume, status, watch" in capsys.readouterr().err
    assert run(["campaign", "statis"]) == 2
    assert 'Did you mean "status"?' in capsys.readouterr().err
    assert run(["campaign", "watch", "--frobnicate"]) == 2
    assert "--help, --json, --once" in capsys.readouterr().err


def test_piped_tables_are_as_wide_as_they_are_and_end_without_blanks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    table = Table(box=None, show_header=False)
    table.add_row("short", "[an id]")
    table.add_row("long " * 60, "x")
    show(table)
    first, second = capsys.readouterr().out.splitlines()
    assert first == first.rstrip()
    assert second.split() == ["long"] * 60 + ["x"]
    tree = Tree("root")
    tree.add("word " * 80)
    show(tree)
    assert capsys.readouterr().out.splitlines()[1].count("word") == 80
