"""Bases of two sizes with random weights, and three random adapters for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaForCausalLM

from training.primer.primer import talks
from training.tiny import Recipe, new_model, train_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

ADAPTERS = ("real", "synthetic", "hybrid")
RANK = 16
SIZES = {
    # the base of `rehearsal demo`, untrained: a model's speed does not depend on what it knows
    "tiny": Recipe(),
    "small": Recipe(hidden=256, layers=6, heads=4, inner=704),
}
TALKS = 300
"""Conversations that the tokenizer is made from."""


@dataclass(frozen=True)
class Base:
    """A base on disk."""

    folder: Path
    adapters: dict[str, Path]
    parameters: int


def make_base(size: str, root: Path) -> Base:
    """Write a base and its adapters below `root`; the same ones every time."""
    folder = root / size / "base"
    tokenizer = train_tokenizer(
        [message["content"] for talk in talks(0, TALKS) for message in talk],
        SIZES[size].vocabulary,
    )
    torch.manual_seed(0)
    model = new_model(tokenizer, SIZES[size])
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    adapters = {}
    for seed, name in enumerate(ADAPTERS, start=1):
        torch.manual_seed(seed)
        base: Any = LlamaForCausalLM.from_pretrained(folder)
        lora = LoraConfig(
            r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", init_lora_weights=False,
            task_type="CAUSAL_LM",
        )  # fmt: skip
        get_peft_model(base, lora).save_pretrained(str(root / size / name))
        adapters[name] = root / size / name
    return Base(folder, adapters, sum(weight.numel() for weight in model.parameters()))
