from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from domain.errors import TrainingError
from domain.settings import LoraSettings, TrainingSettings
from tests.training.talk import jsonl, make_job
from tests.training.test_loop import Keeper
from training.loop import train
from training.loss import LossPath
from training.memory import fitting, is_out_of_memory
from training.ranks import Ranks
from training.summary import read_log

if TYPE_CHECKING:
    from pathlib import Path

    from training.batches import MicroBatch
    from training.job import TrainJob

SETTINGS = TrainingSettings(
    supervised_tokens=1200,
    tokens_per_step=300,
    max_length=256,
    learning_rate=0.01,
    batch_tokens=2048,
    lora=LoraSettings(dropout=0.0),
)


@pytest.fixture
def job(small_base: Path, tmp_path: Path) -> TrainJob:
    return make_job(tmp_path / "blend", str(small_base), jsonl(6), SETTINGS)


def small_memory(monkeypatch: pytest.MonkeyPatch, tokens: int, kind: type[RuntimeError]) -> None:
    """A device that has room for rows of `tokens` tokens, and fails after half of the work."""
    whole = LossPath.backward

    def backward(self: LossPath, batch: MicroBatch, divisor: float) -> float:
        loss = whole(self, batch, divisor)
        if batch.input_ids.size > tokens:
            raise kind("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        return loss

    monkeypatch.setattr(LossPath, "backward", backward)


@pytest.mark.parametrize("kind", [torch.OutOfMemoryError, RuntimeError])
def test_rows_are_halved_until_they_fit_and_gradients_stay_the_same(
    kind: type[RuntimeError], job: TrainJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = Keeper(tmp_path / "free")
    train(job, Ranks(), free)
    small_memory(monkeypatch, 600, kind)
    tight = Keeper(tmp_path / "tight")
    train(job, Ranks(), tight)
    logs = [read_log(keeper.last) for keeper in (free, tight)]
    assert {row["batch_tokens"] for row in logs[0]} == {2048}
    assert {row["batch_tokens"] for row in logs[1]} == {512}
    for name in ("loss", "gradient_norm"):
        expected = [row[name] for row in logs[0]]
        assert [row[name] for row in logs[1]] == pytest.approx(expected, rel=1e-4)


def test_a_session_that_does_not_fit_by_itself_ends_the_run_with_a_mend(
    job: TrainJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_memory(monkeypatch, 10, torch.OutOfMemoryError)
    with pytest.raises(TrainingError, match="memory ran out") as raised:
        train(job, Ranks(), Keeper(tmp_path / "none"))
    assert raised.value.where == "real, step 1"
    assert "training.max_length (now 256)" in raised.value.mend


def test_other_errors_are_not_taken_for_memory() -> None:
    calls: list[int] = []

    def attempt(tokens: int) -> int:
        calls.append(tokens)
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        fitting(attempt, 4096, 10)
    assert calls == [4096]


ALLOCATE = """
import json, resource, sys, torch
from training.memory import fitting
torch.set_num_threads(1)
torch.ones(8) @ torch.ones(8)
held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + 64 * 2**20,) * 2)
tried = []
def attempt(tokens):
    tried.append(tokens)
    return float(torch.ones(tokens, 1024).sum())
made, tokens = fitting(attempt, 2**17, 100)
print(json.dumps({"tried": tried, "tokens": tokens, "made": made}))
"""


def test_what_torch_says_when_main_memory_is_out_is_understood() -> None:
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", ALLOCATE], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert found["tried"][0] == 2**17
    assert found["tried"] == [2**17 // 2**halving for halving in range(len(found["tried"]))]
    assert 2**12 <= found["tokens"] < 2**17
    assert found["made"] == found["tokens"] * 1024


def test_a_base_that_does_not_fit_is_explained(
    job: TrainJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 30.00 GiB")

    monkeypatch.setattr("training.loop.begin", begin)
    with pytest.raises(TrainingError, match="loading the base") as raised:
        train(replace(job, variant="hybrid"), Ranks(), Keeper(tmp_path / "none"))
    assert "smaller base" in raised.value.mend
    assert not is_out_of_memory(raised.value)
