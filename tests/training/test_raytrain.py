from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file

from domain.runfolder import RunFolder
from domain.settings import Settings, TrainingSettings
from tests.training.talk import jsonl, write_blend
from training.run import train_variants
from training.summary import read_log

if TYPE_CHECKING:
    from pathlib import Path

TRAINING = TrainingSettings(
    variants=("real",),
    supervised_tokens=600,
    tokens_per_step=150,
    max_length=256,
    learning_rate=0.005,
    workers=2,
)


@pytest.mark.ray
def test_two_ray_workers_train_what_one_process_trains(
    local_ray: None, small_base: Path, tmp_path: Path
) -> None:
    folders = [RunFolder(tmp_path / name) for name in ("ray", "inline")]
    for folder in folders:
        write_blend(folder, "real", jsonl(5))
    both = Settings(name="two", training=TRAINING)
    made = train_variants(both, folders[0], small_base)["real"]
    alone = Settings.model_validate(
        {
            "name": "one",
            "engine": {"kind": "inline"},
            "training": {**TRAINING.model_dump(), "workers": 1},
        }
    )
    train_variants(alone, folders[1], small_base)
    assert made.supervised_tokens == 600
    logs = [read_log(folder.adapters / "real") for folder in folders]
    assert [row["loss"] for row in logs[0]] == pytest.approx([r["loss"] for r in logs[1]], rel=1e-3)
    weights = [
        load_file(folder.adapters / "real" / "adapter_model.safetensors") for folder in folders
    ]
    for name, weight in weights[1].items():
        torch.testing.assert_close(weights[0][name], weight, rtol=0.05, atol=2e-3)
