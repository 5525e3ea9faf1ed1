"""Run as a program: one of two gloo ranks that compute one step's gradients and save them.

Usage: two_ranks.py RANK RENDEZVOUS_FILE BASE OUT
"""

from __future__ import annotations

import sys

import torch
from torch import distributed

from domain.settings import LoraSettings
from tests.training.talk import jsonl
from training import loop
from training.batches import for_rank
from training.examples import build_examples, parse_conversations
from training.models import add_lora, load_base, load_tokenizer
from training.ranks import Ranks


def gradients(base: str, ranks: Ranks, micro_batch_tokens: int) -> dict[str, torch.Tensor]:
    """One step over uneven sessions, in as many micro-batches as the limit asks for."""
    loop.MICRO_BATCH_TOKENS = micro_batch_tokens
    data = jsonl(3, exchanges=2) + b"\n" + jsonl(2, exchanges=7)
    examples = build_examples(load_tokenizer(base), parse_conversations(data, "x"), 512)
    torch.manual_seed(0)
    model = add_lora(load_base(base, ranks.device), LoraSettings(r=4), "base")
    for weight in model.parameters():  # B starts at zero, and then A has no gradient
        if weight.requires_grad:
            torch.nn.init.normal_(weight, std=0.02)
    mine = for_rank(examples, ranks.rank, ranks.size)
    loop.backward(model, mine, sum(one.supervised for one in examples), ranks)
    return {
        name: weight.grad
        for name, weight in model.named_parameters()
        if weight.requires_grad and weight.grad is not None
    }


def main() -> None:
    rank, rendezvous, base, out = sys.argv[1:]
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{rendezvous}", rank=int(rank), world_size=2
    )
    torch.save(gradients(base, Ranks(int(rank), 2), 200), f"{out}.{rank}")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
