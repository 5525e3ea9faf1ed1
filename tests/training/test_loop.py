from __future__ import annotations

import importlib.util
import json
import shutil
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import load_file

from domain.errors import TrainingError
from domain.settings import LoraSettings, TrainingSettings
from tests.training.talk import jsonl, make_job
from training.batches import micro_batches
from training.loop import train
from training.material import held_out_of, plan_of
from training.models import load_tokenizer
from training.opening import begin
from training.ranks import Ranks
from training.summary import read_log

if TYPE_CHECKING:
    from pathlib import Path

    from training.job import TrainJob
    from training.live import LogRow

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


def changed(job: TrainJob, **settings: object) -> TrainJob:
    return replace(job, settings=job.settings.model_copy(update=settings))


def losses(folder: Path) -> list[float]:
    return [row["loss"] for row in read_log(folder)]


def test_supervised_tokens_equal_a_count_by_hand(job: TrainJob, small_base: Path) -> None:
    """The template writes `<|assistant|>words<|end|>`; words and end are learned, nothing else."""
    tokenizer: Any = load_tokenizer(str(small_base))
    expected = 0
    for line in jsonl(4).splitlines():
        for message in json.loads(line)["messages"]:
            if message["role"] == "assistant":
                expected += len(tokenizer(message["content"] + "<|end|>")["input_ids"])
    everything = changed(job, supervised_tokens=expected, tokens_per_step=expected)
    plan = plan_of(everything)
    assert plan.epochs == 1
    assert len(plan.steps) == 1
    [batch] = micro_batches(plan.steps[0], 10_000)
    assert len(batch.labels) == expected
    assert Counter(batch.labels.tolist())[tokenizer.convert_tokens_to_ids("<|end|>")] == 4 * 6


def test_seeds_reproduce(job: TrainJob, tmp_path: Path) -> None:
    noisy = changed(job, supervised_tokens=600, lora=LoraSettings(dropout=0.2))
    kept = [Keeper(tmp_path / name) for name in ("one", "again", "other")]
    for keeper, seed in zip(kept, (3, 3, 4), strict=True):
        train(replace(noisy, seed=seed), Ranks(), keeper)
    one, again, other = (adapter_of(keeper.last) for keeper in kept)
    assert losses(kept[0].last) == losses(kept[1].last)
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert losses(kept[0].last) != losses(kept[2].last)
    assert not all(torch.equal(one[name], other[name]) for name in one)


def test_recomputed_activations_give_the_same_losses(job: TrainJob, tmp_path: Path) -> None:
    short = changed(job, supervised_tokens=400, lora=LoraSettings(dropout=0.2))
    logs = []
    for name, recompute in (("kept", False), ("recomputed", True)):
        keeper = Keeper(tmp_path / name)
        train(changed(short, activation_checkpointing=recompute), Ranks(), keeper)
        logs.append(losses(keeper.last))
    assert logs[0] == pytest.approx(logs[1], rel=1e-6)


def test_small_rows_change_rounding_only(job: TrainJob, tmp_path: Path) -> None:
    logs = []
    for tokens in (64, 4096):
        keeper = Keeper(tmp_path / str(tokens))
        train(changed(job, supervised_tokens=400, batch_tokens=tokens), Ranks(), keeper)
        logs.append(losses(keeper.last))
    assert logs[0] == pytest.approx(logs[1], rel=1e-4)


def test_early_stopping_keeps_the_best_weights_also_over_a_resume(
    job: TrainJob, tmp_path: Path
) -> None:
    """Held out is what a first short run unlearns at too high a rate; the best is not the last."""
    held_out = tmp_path / "held-out.jsonl"
    held_out.write_bytes(jsonl(2, exchanges=3))
    stopping = replace(changed(job, patience=1, learning_rate=0.3), stopping=str(held_out))
    whole = Keeper(tmp_path / "whole")
    train(stopping, Ranks(), whole)
    log = read_log(whole.last)
    measured = [row["held_out_loss"] for row in log]
    assert len(measured) == len(log) < 8
    assert measured[-1] >= min(measured) == measured[-2]
    trainee = begin(stopping, Ranks(), whole.last)
    [batch] = micro_batches(held_out_of(stopping), 10_000)
    trainee.model.eval()
    assert float(trainee.path.losses(batch).detach().mean()) == pytest.approx(min(measured))
    train(stopping, Ranks(), Keeper(tmp_path / "nothing to do"), whole.last)
    assert not (tmp_path / "nothing to do").exists()


def test_liger_that_is_not_installed_is_said(job: TrainJob, tmp_path: Path) -> None:
    if importlib.util.find_spec("liger_kernel"):
        pytest.skip("Liger is installed here")
    with pytest.raises(TrainingError, match="Liger's kernels are not installed"):
        train(changed(job, liger=True), Ranks(), Keeper(tmp_path))


def test_a_resumed_run_takes_the_same_steps(job: TrainJob, tmp_path: Path) -> None:
    job = changed(job, lora=LoraSettings(dropout=0.2))
    whole = Keeper(tmp_path / "whole")
    train(job, Ranks(), whole)
    stopped = Keeper(tmp_path / "stopped", stop_after=2)
    with pytest.raises(KeyboardInterrupt):
        train(job, Ranks(), stopped)
    resumed = Keeper(tmp_path / "resumed")
    train(job, Ranks(), resumed, stopped.last)
    assert resumed.kept == 2
    assert losses(resumed.last) == losses(whole.last)
    expected, got = adapter_of(whole.last), adapter_of(resumed.last)
    assert expected.keys() == got.keys()
    assert all(torch.equal(got[name], weight) for name, weight in expected.items())


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
