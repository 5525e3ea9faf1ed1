from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.training.two_ranks import gradients, train_and_resume
from training.ranks import Ranks
from training.summary import read_log


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_two_ranks_with_accumulation_equal_one(
    small_base: Path, tmp_path: Path, repository: Path, parallel: str
) -> None:
    meeting, out = tmp_path / "meeting", tmp_path / "gradients"
    command = [sys.executable, "-m", "tests.training.two_ranks"]
    running = [
        subprocess.Popen(  # noqa: S603 - our own module
            [*command, str(rank), str(meeting), str(small_base), str(out), parallel],
            cwd=repository,
        )
        for rank in (0, 1)
    ]
    assert [one.wait(timeout=120) for one in running] == [0, 0]
    expected = gradients(str(small_base), Ranks(), 10_000, "ddp")
    assert all(bool(gradient.abs().max() > 0) for gradient in expected.values())
    for rank in (0, 1):
        got = torch.load(f"{out}.{rank}", weights_only=True)
        assert got.keys() == expected.keys()
        for name, gradient in expected.items():
            torch.testing.assert_close(got[name], gradient, rtol=1e-5, atol=1e-6)
    runs = Path(f"{out}-runs")
    train_and_resume(str(small_base), Ranks(), tmp_path / "alone", "ddp")
    whole, resumed, alone = (
        read_log(folder) for folder in (runs / "0-4", runs / "1-4", tmp_path / "alone" / "0-4")
    )
    assert [row["loss"] for row in resumed] == [row["loss"] for row in whole]
    assert [row["loss"] for row in whole] == pytest.approx([r["loss"] for r in alone], rel=1e-5)
    weights = [load_file(runs / name / "adapter_model.safetensors") for name in ("0-4", "1-4")]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_rank_without_examples_has_zero_gradients() -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    Ranks().add_gradients([weight])
    assert weight.grad is not None
    assert weight.grad.tolist() == [0, 0, 0]
