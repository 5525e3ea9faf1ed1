"""What a checkpoint holds: weights, optimiser, best weights so far, log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from safetensors.torch import load_file, save_file

from training.method import save_trained
from training.sharding import like, whole
from training.summary import LOG_FILE, read_log

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from training.trainee import Trainee

STATE_FILE, BEST_FILE = "trainer.safetensors", "best.safetensors"


def save_snapshot(
    trainee: Trainee,
    folder: Path,
    base: str,
    weights: dict[str, torch.Tensor],
    state: dict[str, torch.Tensor],
) -> None:
    """Write a checkpoint's files.

    Args:
        trainee: What is trained.
        folder: Where to; it exists.
        base: The base's path or hub id, for the adapter's own files.
        weights: Those of `weights_now`, put together on every rank.
        state: That of `optimizer_state`, likewise.
    """
    save_trained(trainee.model, folder, base, weights)
    save_file(state, folder / STATE_FILE)
    if trainee.best:
        save_file(trainee.best, folder / BEST_FILE)
    lines = [json.dumps(row) + "\n" for row in trainee.log]
    (folder / LOG_FILE).write_text("".join(lines), encoding="utf-8")


def optimizer_state(trainee: Trainee) -> dict[str, torch.Tensor]:
    """AdamW's state as `weight name|what`."""
    return {
        f"{name}|{what}": whole(value).cpu().clone()
        for name, weight in trainee.weights.items()
        for what, value in trainee.optimizer.state[weight].items()
    }


def restore(trainee: Trainee, folder: Path) -> None:
    """Go on from a checkpoint: optimiser, best weights and log; the log's length is the step."""
    state = load_file(folder / STATE_FILE)
    for name, weight in trainee.weights.items():
        trainee.optimizer.state[weight] = {
            what: value if what == "step" else like(weight, value)
            for what in ("step", "exp_avg", "exp_avg_sq")
            for value in [state[f"{name}|{what}"]]
        }
    if (folder / BEST_FILE).exists():
        trainee.best = load_file(folder / BEST_FILE)
    trainee.log = read_log(folder)
