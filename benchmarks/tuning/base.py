"""Llamas with random weights, made on the spot: speed does not depend on what a model knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from training.primer.primer import talks
from training.tiny import train_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

TOKENS = 4_096
"""Vocabulary of the tokenizer, which learns from the primer; a larger embedding is left unused."""


@dataclass(frozen=True)
class Size:
    """The shape of a Llama."""

    hidden: int
    inner: int
    layers: int
    heads: int
    kv_heads: int
    vocabulary: int
    tied: bool
    positions: int = 4_096
    """Longest sequence."""

    @property
    def body(self) -> int:
        """Weights of the layers' matrices: what each token is multiplied with."""
        narrow = self.hidden * self.kv_heads // self.heads
        attention = 2 * self.hidden * self.hidden + 2 * self.hidden * narrow
        return self.layers * (attention + 3 * self.hidden * self.inner)

    @property
    def head(self) -> int:
        """Weights of the output layer."""
        return self.vocabulary * self.hidden

    @property
    def weights(self) -> int:
        """All weights but the norms'."""
        return self.body + self.head * (1 if self.tied else 2)

    def lora(self, rank: int) -> int:
        """Weights of LoRA matrices of `rank` on every linear layer but the output's."""
        narrow = self.hidden * self.kv_heads // self.heads
        attention = 2 * (2 * self.hidden) + 2 * (self.hidden + narrow)
        return self.layers * rank * (attention + 3 * (self.hidden + self.inner))


SIZES = {
    "toy": Size(64, 172, 2, 4, 2, TOKENS, tied=True),
    "6m": Size(256, 688, 6, 4, 4, TOKENS, tied=True),
    # The shapes of Llama 3.2 1B and Llama 3.1 8B, from their published config.json files.
    "1b": Size(2048, 8192, 16, 32, 8, 128_256, tied=True),
    "8b": Size(4096, 14336, 32, 32, 8, 128_256, tied=False),
}


def config_of(size: Size, pad: int, end: int) -> LlamaConfig:
    """The model's config."""
    return LlamaConfig(
        vocab_size=size.vocabulary,
        hidden_size=size.hidden,
        intermediate_size=size.inner,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.kv_heads,
        max_position_embeddings=size.positions,
        tie_word_embeddings=size.tied,
        pad_token_id=pad,
        bos_token_id=None,
        eos_token_id=end,
        initializer_range=0.05 if size.hidden < 1024 else 0.02,
        rope_parameters={"rope_type": "default", "rope_theta": 5e5},
    )


def make_base(folder: Path, size: Size, device: str, seed: int = 0) -> None:
    """Write a random Llama and its tokenizer; float32 on a CPU, bfloat16 else."""
    texts = [message["content"] for talk in talks(seed, 1_500) for message in talk]
    tokenizer = train_tokenizer(texts, TOKENS)
    torch.manual_seed(seed)
    config = config_of(size, int(tokenizer.pad_token_id), int(tokenizer.eos_token_id))
    with torch.device(device):
        model = LlamaForCausalLM(config)
    if device != "cpu":
        model.bfloat16()
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
