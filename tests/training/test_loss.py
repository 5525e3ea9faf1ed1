from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from tests.training.talk import jsonl
from training.batches import micro_batches
from training.examples import build_examples, parse_conversations
from training.loss import token_losses
from training.models import load_base

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedTokenizerBase


def test_padded_batch_equals_full_logits_one_by_one(
    small_base: Path, tokenizer: PreTrainedTokenizerBase
) -> None:
    device = torch.device("cpu")
    model = load_base(str(small_base), device)
    short = build_examples(tokenizer, parse_conversations(jsonl(2, exchanges=2), "a"), 512)
    longer = build_examples(tokenizer, parse_conversations(jsonl(2, exchanges=4), "b"), 512)
    [batch] = micro_batches([*short, *longer], 10_000, pad_id=0)
    expected = []
    with torch.inference_mode():
        for one in sorted([*short, *longer], key=len, reverse=True):
            ids = torch.from_numpy(one.input_ids)
            logits = model(input_ids=ids[None]).logits[0]
            losses = functional.cross_entropy(logits[:-1], ids[1:], reduction="none")
            expected.append(losses[torch.from_numpy(one.loss_mask[1:])])
        got = token_losses(model, batch, device)
    torch.testing.assert_close(got, torch.cat(expected), rtol=1e-4, atol=1e-4)
