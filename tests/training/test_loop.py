from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file

from domain.errors import TrainingError
from domain.settings import LoraSettings, TrainingSettings
from tests.training.talk import jsonl, make_job
from training.adapter import read_log
from training.loop import LogRow, train
from training.ranks import Ranks

if TYPE_CHECKING:
    from pathlib import Path

    from training.job import TrainJob

SETTINGS = TrainingSettings(
    supervised_tokens=1600, tokens_per_step=200, max_length=256, learning_rate=0.01
)


@pytest.fixture
def job(small_base: Path, tmp_path: Path) -> TrainJob:
    return make_job(tmp_path / "blend", str(small_base), jsonl(4), SETTINGS)


class Keeper:
    """Keeps every checkpoint that is reported, as `folder/1`, `folder/2` and so on."""

    def __init__(self, folder: Path, stop_after: int = 99) -> None:
        self.folder, self.stop_after, self.kept = folder, stop_after, 0

    def __call__(self, row: LogRow, made: Path | None) -> None:
        assert made is not None
        self.kept += 1
        shutil.copytree(made, self.folder / str(self.kept))
        if self.kept == self.stop_after:
            raise KeyboardInterrupt

    @property
    def last(self) -> Path:
        return self.folder / str(self.kept)


def adapter_of(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "adapter_model.safetensors")


def test_loss_decreases_and_the_log_counts_every_token(job: TrainJob, tmp_path: Path) -> None:
    keeper = Keeper(tmp_path)
    train(job, Ranks(), keeper)
    log = read_log(keeper.last)
    assert keeper.kept == 4
    assert log[-1]["loss"] < log[0]["loss"] - 0.5
    assert log[-1]["supervised_tokens"] == SETTINGS.supervised_tokens
    assert [row["step"] for row in log] == list(range(1, 9))


def test_a_resumed_run_ends_with_the_same_adapter(job: TrainJob, tmp_path: Path) -> None:
    whole = Keeper(tmp_path / "whole")
    train(job, Ranks(), whole)
    stopped = Keeper(tmp_path / "stopped", stop_after=2)
    with pytest.raises(KeyboardInterrupt):
        train(job, Ranks(), stopped)
    resumed = Keeper(tmp_path / "resumed")
    train(job, Ranks(), resumed, stopped.last)
    assert resumed.kept == 2
    expected, got = adapter_of(whole.last), adapter_of(resumed.last)
    assert expected.keys() == got.keys()
    for name, weight in expected.items():
        torch.testing.assert_close(got[name], weight)


def test_a_loss_that_is_not_a_number_stops_the_run(job: TrainJob, tmp_path: Path) -> None:
    wild = replace(job, settings=SETTINGS.model_copy(update={"learning_rate": 1e30}))
    with pytest.raises(TrainingError, match="no longer a number") as raised:
        train(wild, Ranks(), Keeper(tmp_path))
    assert "learning_rate" in raised.value.mend


def test_unknown_target_modules_are_refused(job: TrainJob, tmp_path: Path) -> None:
    lora = LoraSettings(target_modules=("no_such_layer",))
    odd = replace(job, settings=SETTINGS.model_copy(update={"lora": lora}))
    with pytest.raises(TrainingError, match="target modules"):
        train(odd, Ranks(), Keeper(tmp_path))
