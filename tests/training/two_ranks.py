"""Run as a program: one of two gloo ranks that compute one step's gradients and save them.

Usage: two_ranks.py RANK RENDEZVOUS_FILE BASE OUT PARALLEL
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import distributed

from domain.settings import LoraSettings, TrainingSettings
from tests.training.talk import jsonl
from training.examples import build_examples, parse_conversations
from training.job import TrainJob
from training.loop import backward, begin, trained_weights
from training.models import load_tokenizer
from training.ranks import Ranks
from training.sharding import like, whole


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


def main() -> None:
    rank, rendezvous, base, out, parallel = sys.argv[1:]
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{rendezvous}", rank=int(rank), world_size=2
    )
    torch.save(gradients(base, Ranks(int(rank), 2), 200, parallel), Path(f"{out}.{rank}"))
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
