"""The tiny base: a byte-level BPE tokenizer and a Llama of under 1M parameters.

It exists so that the loop can be run, tested and timed without a network. It knows everyday words
and the habits of a conversation, from `training.primer`, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from training.primer.primer import Message, talks
from training.schedule import rate_at

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from training.wiring import Held

SPECIAL = ("<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
PAD, END = SPECIAL[:2]

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|' + message['role'] + '|>' -}}"
    "{%- if message['role'] == 'assistant' -%}"
    "{%- generation -%}{{- message['content'] + '<|end|>' -}}{%- endgeneration -%}"
    "{%- else -%}{{- message['content'] + '<|end|>' -}}{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)
"""One control token opens a turn and one ends it; `generation` marks what is learned."""


WARMUP = 0.1
"""Share of the steps over which the learning rates rise."""


@dataclass(frozen=True)
class Recipe:
    """All that the tiny base depends on besides the primer and the seed."""

    version: int = 1
    """Raised when the code here changes what comes out."""
    vocabulary: int = 3072
    hidden: int = 128
    layers: int = 3
    heads: int = 2
    inner: int = 336
    positions: int = 2048
    talks: int = 1500
    length: int = 256
    """Tokens of one training sequence; talks are laid end to end."""
    batch: int = 4
    """Sequences of one step."""
    steps: int = 210
    matrix_rate: float = 0.02
    """Learning rate of Muon, for the weight matrices."""
    table_rate: float = 4e-3
    """Learning rate of AdamW, for embeddings and norms."""


def train_tokenizer(texts: list[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """Learn a byte-level BPE of `vocabulary` tokens, so that no text is unknown to it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast: Callable[..., PreTrainedTokenizerFast] = PreTrainedTokenizerFast
    return fast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=list(SPECIAL[2:]),
        chat_template=CHAT_TEMPLATE,
    )


def new_model(tokenizer: PreTrainedTokenizerFast, recipe: Recipe) -> LlamaForCausalLM:
    """An untrained Llama; its embeddings are tied, so every parameter is counted once."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden,
        intermediate_size=recipe.inner,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        max_position_embeddings=recipe.positions,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        initializer_range=0.05,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
    )
    return LlamaForCausalLM(config)


def token_stream(
    tokenizer: PreTrainedTokenizerFast, conversations: list[list[Message]]
) -> np.ndarray:
    """All talks rendered with the chat template and laid end to end: [N] token ids."""
    rendered = tokenizer.apply_chat_template(conversations, tokenize=False)
    return np.concatenate(
        [
            np.asarray(ids, dtype=np.int64)
            for ids in tokenizer(rendered, add_special_tokens=False)["input_ids"]
        ]
    )


def train_model(
    model: LlamaForCausalLM,
    stream: np.ndarray,
    recipe: Recipe,
    seed: int,
    watch: Callable[[int, float], None],
    held: Sequence[Held] = (),
) -> None:
    """Train on random windows of `stream` [N].

    Matrices go to Muon (Jordan et al., 2024), which learns more from few steps than AdamW does;
    embeddings and norms to AdamW. What is `held` keeps its first values.
    """
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    tables = [p for name, p in model.named_parameters() if p.ndim != 2 or "embed" in name]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.Muon(matrices, lr=recipe.matrix_rate, weight_decay=0.0, momentum=0.9),
        torch.optim.AdamW(tables, lr=recipe.table_rate, weight_decay=0.0, betas=(0.9, 0.98)),
    ]
    peaks = [recipe.matrix_rate, recipe.table_rate]
    dice = np.random.default_rng(seed)
    model.train()
    for step in range(recipe.steps):
        for optimizer, peak in zip(optimizers, peaks, strict=True):
            optimizer.param_groups[0]["lr"] = peak * rate_at(step / recipe.steps, WARMUP)
        starts = dice.integers(0, len(stream) - recipe.length - 1, recipe.batch)
        windows = np.stack([stream[start : start + recipe.length + 1] for start in starts])
        tokens = torch.from_numpy(windows)
        logits = model(input_ids=tokens[:, :-1], use_cache=False).logits
        loss = functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        for entries in held:
            entries.restore()
        watch(step, float(loss.detach()))
    model.train(mode=False)


def make_tokenizer(seed: int, recipe: Recipe) -> tuple[PreTrainedTokenizerFast, np.ndarray]:
    """The tokenizer, and the primer in its tokens: [N]."""
    conversations = talks(seed, recipe.talks)
    texts = [message["content"] for talk in conversations for message in talk]
    tokenizer = train_tokenizer(texts, recipe.vocabulary)
    return tokenizer, token_stream(tokenizer, conversations)
