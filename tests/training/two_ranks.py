"""Run as a program: one of two gloo ranks that compute one step's gradients and save them.

Then they train, write checkpoints, and train on from the second one with a new optimiser.

Usage: two_ranks.py RANK RENDEZVOUS_FILE BASE OUT PARALLEL
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import distributed

from domain.settings import LoraSettings, TrainingSettings
from tests.training.talk import jsonl, make_job
from training.examples import build_examples, parse_conversations
from training.job import TrainJob
from training.loop import backward, train
from training.models import load_tokenizer
from training.opening import begin
from training.ranks import Ranks
from training.sharding import like, whole
from training.trainee import trained_weights

if TYPE_CHECKING:
    from training.live import LogRow


def gradients(base: str, ranks: Ranks, batch_tokens: int, parallel: str) -> dict[str, torch.Tensor]:
    """One step over uneven sessions, in as many micro-batches as the limit asks for."""
    data = jsonl(3, exchanges=2) + b"\n" + jsonl(2, exchanges=7)
    examples = build_examples(load_tokenizer(base), parse_conversations(data, "x"), 512)
    settings = TrainingSettings.model_validate(
        {"lora": LoraSettings(r=4), "parallel": parallel, "batch_tokens": batch_tokens}
    )
    trainee = begin(TrainJob("real", base, "", "", settings, seed=0, threads=1), ranks)
    for weight in trained_weights(trainee.model).values():  # B starts at zero: A has no gradient
        values = torch.randn(weight.shape, generator=torch.Generator().manual_seed(weight.numel()))
        with torch.no_grad():
            weight.copy_(like(weight, 0.02 * values))
    loss, _ = backward(trainee, examples, ranks, batch_tokens)
    found = {
        name: whole(weight.grad)
        for name, weight in trained_weights(trainee.model).items()
        if weight.grad is not None
    }
    return {"loss": torch.tensor(loss), **found}


def train_and_resume(base: str, ranks: Ranks, folder: Path, parallel: str) -> None:
    """Train a whole run to `folder/0-1` and so on; go on from its second checkpoint to `1-4`."""
    settings = TrainingSettings.model_validate(
        {
            "lora": LoraSettings(r=4),
            "parallel": parallel,
            "batch_tokens": 256,
            "max_length": 256,
            "supervised_tokens": 800,
            "tokens_per_step": 200,
            "learning_rate": 0.01,
        }
    )
    job = make_job(folder / f"blend-{ranks.rank}", base, jsonl(4), settings)
    for attempt in (0, 1):

        def keep(row: LogRow, checkpoint: Path | None, attempt: int = attempt) -> None:
            if checkpoint is not None:
                shutil.copytree(checkpoint, folder / f"{attempt}-{row['step']:g}")
            if ranks.size > 1:
                distributed.barrier()

        train(job, ranks, keep, folder / "0-2" if attempt else None)


def main() -> None:
    rank, rendezvous, base, out, parallel = sys.argv[1:]
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{rendezvous}", rank=int(rank), world_size=2
    )
    torch.save(gradients(base, Ranks(int(rank), 2), 200, parallel), Path(f"{out}.{rank}"))
    train_and_resume(base, Ranks(int(rank), 2), Path(f"{out}-runs"), parallel)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
