from __future__ import annotations

import torch
from torch.nn import functional

from training.tiny import Recipe, new_model, train_tokenizer
from training.wiring import wire_copying


def test_an_untrained_model_predicts_what_it_has_seen_before() -> None:
    tokenizer = train_tokenizer(["some words"], 300)
    torch.manual_seed(0)
    model = new_model(tokenizer, Recipe())
    wire_copying(model, torch.default_generator)
    once = torch.randint(10, len(tokenizer), (4, 40))
    ids = torch.cat([once, once], dim=1)
    with torch.inference_mode():
        logits = model(input_ids=ids).logits
    losses = functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), reduction="none"
    ).view(4, -1)
    assert losses[:, 41:].mean() < losses[:, :39].mean() - 1


def test_held_entries_come_back_and_free_ones_stay() -> None:
    tokenizer = train_tokenizer(["some words"], 300)
    model = new_model(tokenizer, Recipe())
    held = wire_copying(model, torch.default_generator)
    embeddings = model.model.embed_tokens.weight
    before = embeddings.detach().clone()
    with torch.no_grad():
        embeddings += 1
    for entries in held:
        entries.restore()
    assert torch.equal(embeddings[:, 0], before[:, 0])
    assert torch.equal(embeddings[:, -1], before[:, -1] + 1)
