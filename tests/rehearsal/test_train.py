"""`rehearsal train` as a program sees it: what it refuses, one writer at a time, Ctrl-C."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from safetensors.torch import load_file

from domain.runfolder import RunFolder
from engine.lock import RunLock
from rehearsal.cli import run
from tests.training.talk import ASKED, SAID, jsonl, messages, write_blend
from training.base import ensure_base
from training.live import LiveLog
from training.summary import read_log
from training.tiny import Recipe

if TYPE_CHECKING:
    from pathlib import Path


SMALL = Recipe(
    vocabulary=600, layers=2, inner=64, positions=512, talks=80, length=64, batch=2, steps=12
)
STEPS = 40
LONG = 10
"""Times longer, so that there is a middle to be interrupted in."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_base(tmp_path_factory.mktemp("bases"), recipe=SMALL)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "run")
    write_blend(made, "real", jsonl(8, exchanges=8))
    return made


def run_file(folder: RunFolder, base: Path | str, **training: object) -> str:
    path = folder.root.parent / "run.yaml"
    told = {
        "name": "run",
        "engine": {"kind": "inline"},
        "training": {
            "base": str(base),
            "variants": ["real"],
            "supervised_tokens": STEPS * 100,
            "tokens_per_step": 100,
            "max_length": 256,
            "learning_rate": 0.005,
            **training,
        },
    }
    path.write_text(yaml.safe_dump(told))
    return str(path)


def refused(
    folder: RunFolder, base: Path | str, capsys: pytest.CaptureFixture[str], **training: object
) -> tuple[int, dict[str, Any]]:
    """Train and be refused; nothing that looks trained may be left."""
    config = run_file(folder, base, **training)
    code = run(["train", config, "--run", str(folder.root), "--json"])
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["exit_code"] == code
    assert error["what"], error
    assert error["where"], error
    assert error["mend"], error
    left = list(folder.adapters.iterdir()) if folder.adapters.exists() else []
    assert left == [], "something was called done"
    assert not (folder.training / "held-out.json").exists()
    return code, error


def test_a_base_that_is_no_causal_model(
    folder: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bert").mkdir()
    config = {"model_type": "bert", "architectures": ["BertForMaskedLM"]}
    (tmp_path / "bert" / "config.json").write_text(json.dumps(config))
    code, error = refused(folder, tmp_path / "bert", capsys)
    assert code == 1
    assert error["got"] == "BertForMaskedLM"
    assert error["where"] == "training.base: bert"


def test_a_base_without_a_chat_template(
    folder: RunFolder, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mute = tmp_path / "mute"
    shutil.copytree(base, mute)
    (mute / "chat_template.jinja").unlink()
    code, error = refused(folder, mute, capsys)
    assert code == 1
    assert "no chat template" in error["what"]


def test_a_base_that_is_not_there(
    folder: RunFolder, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, error = refused(folder, tmp_path / "none", capsys)
    assert code == 1
    assert "folder is not there" in error["what"]
    assert error["where"] == f"training.base: {tmp_path / 'none'}"


@pytest.mark.parametrize("data", [b"", b'{"id": "a", "messages": []}\n'])
def test_an_empty_data_set(
    data: bytes, folder: RunFolder, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_blend(folder, "real", data)
    code, error = refused(folder, base, capsys)
    assert code == 1
    assert "nothing to train on" in error["what"]
    assert "session" in error["got"]


def test_a_blend_that_is_cut_off(
    folder: RunFolder, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_blend(folder, "real", jsonl(2)[:-40])
    code, error = refused(folder, base, capsys)
    assert code == 1
    assert error["where"] == "blend real line 2"


def test_a_blend_that_was_never_made(
    tmp_path: Path, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, error = refused(RunFolder(tmp_path / "run"), base, capsys)
    assert code == 1
    assert f'corpus blend "{tmp_path / "run"}"' in error["mend"]


@pytest.mark.parametrize("lacking", ["folder", "weights", "loss"])
def test_a_training_that_fails_leaves_the_runs_settings(
    lacking: str,
    folder: RunFolder,
    base: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["train", run_file(folder, base), "--run", str(folder.root)]) == 0
    before = folder.config.read_bytes()
    other, more = tmp_path / "other", {}
    if lacking != "folder":
        shutil.copytree(base, other)
    if lacking == "weights":  # config and tokenizer are there: it is seen only when it is loaded
        (other / "model.safetensors").unlink()
    if lacking == "loss":
        more = {"learning_rate": 1e30}
    config = run_file(folder, other, **more)
    assert run(["train", config, "--run", str(folder.root)]) == 1
    assert folder.config.read_bytes() == before
    merged = ["--variant", "real", "--to", str(tmp_path / "whole")]
    assert run(["train", "merge", str(folder.root), *merged]) == 0


def cut(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)


def test_a_damaged_checkpoint_is_passed_over_and_said(
    folder: RunFolder, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without its adapter a run goes on from its last checkpoint; if that is damaged, from none."""
    config = ["train", run_file(folder, base), "--run", str(folder.root)]
    assert run(config) == 0
    expected = read_log(folder.adapters / "real")
    shutil.rmtree(folder.adapters)
    name = f"checkpoint-{STEPS:08d}"
    cut(folder.training / "real" / name / "trainer.safetensors", 1000)
    capsys.readouterr()
    assert run([*config, "--json"]) == 0
    told = capsys.readouterr()
    assert f"passed over as damaged: {name}: trainer.safetensors: " in told.err
    assert json.loads(told.out)["real"]["steps"] == STEPS
    first = LiveLog(folder.training / "real" / "live.jsonl").new_rows()[0]["step"]
    assert first == 1, "there was nothing whole to go on from"
    got = read_log(folder.adapters / "real")
    assert [row["loss"] for row in got] == pytest.approx([row["loss"] for row in expected])


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_damaged_adapter_is_made_anew(
    damage: str, folder: RunFolder, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ["train", run_file(folder, base), "--run", str(folder.root)]
    assert run(config) == 0
    weights = folder.adapters / "real" / "adapter_model.safetensors"
    whole = weights.read_bytes()
    if damage == "cut":
        cut(weights, 5000)
    elif damage == "changed":
        weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    else:
        weights.unlink()
    capsys.readouterr()
    assert run(config) == 0
    assert "the adapter is made anew" in capsys.readouterr().err
    assert weights.read_bytes() == whole
    before = weights.stat().st_mtime_ns
    assert run(config) == 0
    assert weights.stat().st_mtime_ns == before, "what is whole is kept"


def test_an_adapter_of_before_there_were_hashes_is_kept(folder: RunFolder, base: Path) -> None:
    config = ["train", run_file(folder, base), "--run", str(folder.root)]
    assert run(config) == 0
    summary = folder.adapters / "real" / "training.json"
    older = json.loads(summary.read_text())
    assert list(older.pop("weights")) == ["adapter_model.safetensors"]
    summary.write_text(json.dumps(older))
    assert run(config) == 0
    assert json.loads(summary.read_text()) == older


def test_real_records_that_nobody_signed_for(
    tmp_path: Path, base: Path, capsys: pytest.CaptureFixture[str], repository: Path
) -> None:
    folder = RunFolder(tmp_path / "run")
    config = run_file(folder, base)
    samples = str(repository / "examples" / "transcripts")
    ingest = ["corpus", "ingest", config, "--run", str(folder.root), "--transcripts", samples]
    assert run(ingest) == 0
    capsys.readouterr()
    code, error = refused(folder, base, capsys)
    assert code == 3
    assert "not signed off" in error["what"]
    assert "corpus sign-off" in error["mend"]


def test_a_blend_whose_signature_is_gone(
    tmp_path: Path, base: Path, capsys: pytest.CaptureFixture[str], repository: Path
) -> None:
    folder = RunFolder(tmp_path / "run")
    config = run_file(folder, base)
    samples = str(repository / "examples" / "transcripts")
    at = ["--run", str(folder.root)]
    assert run(["corpus", "ingest", config, *at, "--transcripts", samples, "--sign-off", "A"]) == 0
    assert run(["corpus", "blend", config, *at]) == 0
    capsys.readouterr()
    signatures = folder.sign_off.read_bytes()
    folder.sign_off.unlink()
    code, error = refused(folder, base, capsys)
    assert code == 3
    assert error["where"] == "blend real"
    folder.sign_off.write_bytes(signatures)
    blend = folder.blend("real") / "messages.jsonl"
    blend.write_bytes(blend.read_bytes().replace(b"you", b"You", 1))
    code, error = refused(folder, base, capsys)
    assert code == 1
    assert "changed after it was made" in error["what"]


def test_a_turn_longer_than_a_sequence_is_cut_not_lost(
    folder: RunFolder, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = messages(1, 2)
    long[2]["content"] = " ".join([*ASKED, *SAID] * 40)
    write_blend(folder, "real", json.dumps({"id": "long", "messages": long}).encode())
    config = run_file(folder, base, supervised_tokens=1500, tokens_per_step=500)
    assert run(["train", config, "--run", str(folder.root), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)["real"]
    assert made["supervised_tokens"] == 1500
    assert made["examples"] > 2


def test_a_loss_that_is_no_number(
    folder: RunFolder, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, error = refused(folder, base, capsys, learning_rate=1e30)
    assert code == 1
    assert error["where"].startswith("real, step ")
    assert error["mend"] == "Lower training.learning_rate (now 1e+30)."


@pytest.mark.parametrize(
    ("training", "where"),
    [
        ({"workers": 2}, "training.workers"),
        ({"workers": [1, 2]}, "training.workers"),
        ({"storage": "s3://bucket/there?region=eu-central-1"}, "training.storage"),
        ({"storage": "nowhere://there"}, "training.storage"),
    ],
)
def test_settings_that_do_not_fit_together(
    training: dict[str, object],
    where: str,
    folder: RunFolder,
    base: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, error = refused(folder, base, capsys, **training)
    assert (code, error["where"]) == (2, where)


def test_a_gpu_that_is_not_there(
    folder: RunFolder,
    base: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    code, error = refused(folder, base, capsys, use_gpu=True)
    assert (code, error["where"]) == (2, "training.use_gpu")


def test_a_tracker_that_is_not_installed(
    folder: RunFolder,
    base: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(trackers_packages(), "wandb", "no_such_package_here")
    code, error = refused(folder, base, capsys, trackers=["wandb"])
    assert (code, error["where"]) == (2, "training.trackers")


def trackers_packages() -> dict[str, str]:
    from training.trackers import PACKAGES

    return PACKAGES


@pytest.mark.parametrize(
    "verb",
    [
        ["train"],
        ["corpus", "blend"],
        ["corpus", "sign-off", "--name", "A"],
        ["corpus", "ingest", "--transcripts", "examples/transcripts"],
    ],
)
def test_two_do_not_write_one_run(
    verb: list[str],
    folder: RunFolder,
    base: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    repository: Path,
) -> None:
    monkeypatch.chdir(repository)
    config = run_file(folder, base)
    before = sorted(str(path) for path in folder.root.rglob("*"))
    with RunLock(folder.lock):
        assert run([*verb, config, "--run", str(folder.root), "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["what"] == "another process is writing to this run"
    assert f"process {os.getpid()}" in error["got"]
    after = sorted(str(path) for path in folder.root.rglob("*") if path != folder.lock)
    assert after == before


def test_ctrl_c_leaves_a_run_that_goes_on_to_the_same_adapter(
    folder: RunFolder, base: Path, tmp_path: Path
) -> None:
    config = run_file(folder, base, checkpoints=8, supervised_tokens=LONG * STEPS * 100)
    started, log = start(config, folder), LiveLog(folder.training / "real" / "live.jsonl")
    interval, reached = LONG * STEPS // 8, 0
    while reached <= interval:
        assert started.poll() is None, started.communicate()
        reached = max([reached, *(int(row["step"]) for row in log.new_rows())])
        time.sleep(0.01)
    started.send_signal(signal.SIGINT)
    _, said = started.communicate(timeout=60)
    assert started.returncode == 130, said
    assert f'To go on: rehearsal train "{folder.root}"' in " ".join(said.split())
    assert "Traceback" not in said
    assert not folder.adapters.exists()
    reached = max([reached, *(int(row["step"]) for row in log.new_rows())])
    assert run(["train", str(folder.root)]) == 0
    first = int(LiveLog(folder.training / "real" / "live.jsonl").new_rows()[0]["step"])
    assert reached - interval < first <= reached + 1, "more than an interval was lost"

    whole = RunFolder(tmp_path / "whole")
    shutil.copytree(folder.blend("real"), whole.blend("real"))
    assert run(["train", config, "--run", str(whole.root)]) == 0
    expected, got = (read_log(one.adapters / "real") for one in (whole, folder))
    assert [row["loss"] for row in got] == pytest.approx([row["loss"] for row in expected])
    weights = [
        load_file(one.adapters / "real" / "adapter_model.safetensors") for one in (whole, folder)
    ]
    for name, weight in weights[0].items():
        assert weight.sub(weights[1][name]).abs().max() < 1e-5


def test_piped_progress_is_lines_with_speed_and_memory(
    folder: RunFolder, base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", run_file(folder, base), "--run", str(folder.root)]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("train real")]
    assert lines
    assert lines[-1].startswith(f"train real: {STEPS} of {STEPS} in ")
    assert all("tokens/s supervised" in line and " MB" in line for line in lines)


def hear_ctrl_c() -> None:
    """Tests that a shell runs in the background inherit a SIGINT that is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(config: str, folder: RunFolder) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-m", "rehearsal", "train", config, "--run", str(folder.root)],
        preexec_fn=hear_ctrl_c,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
