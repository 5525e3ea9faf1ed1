from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from training.base import base_hash, ensure_base
from training.models import check_causal
from training.tiny import Recipe, new_model, train_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedTokenizerBase


def test_default_recipe_has_at_most_a_million_parameters() -> None:
    tokenizer = train_tokenizer(["a few words are enough to learn the bytes from"], 300)
    recipe = Recipe()
    model = new_model(tokenizer, recipe)
    model.resize_token_embeddings(recipe.vocabulary)
    assert sum(weight.numel() for weight in model.parameters()) <= 1_000_000


def test_same_seed_same_bytes(small_base: Path, small_recipe: Recipe, tmp_path: Path) -> None:
    again = ensure_base(tmp_path, recipe=small_recipe)
    assert again.name == small_base.name
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        assert (again / name).read_bytes() == (small_base / name).read_bytes()


def test_a_cached_base_is_not_trained_again(small_base: Path, small_recipe: Recipe) -> None:
    steps: list[int] = []

    def watch(stage: str, done: int, total: int, note: str = "") -> None:
        steps.append(done)

    assert ensure_base(small_base.parent, progress=watch, recipe=small_recipe) == small_base
    assert steps == []


def test_two_at_once_train_one(tmp_path: Path, small_recipe: Recipe) -> None:
    recipe = replace(small_recipe, steps=2)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: ensure_base(tmp_path, recipe=recipe), range(2)))
    assert found[0] == found[1]
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [found[0].name]


def test_another_seed_is_another_base(small_recipe: Recipe) -> None:
    assert base_hash(0, small_recipe) != base_hash(1, small_recipe)


def test_only_safetensors_and_a_marked_template(
    small_base: Path, tokenizer: PreTrainedTokenizerBase
) -> None:
    assert not list(small_base.glob("*.bin"))
    assert "generation" in tokenizer.chat_template
    assert tokenizer.eos_token == "<|end|>"
    check_causal(str(small_base))


def test_any_text_survives_the_tokenizer(tokenizer: PreTrainedTokenizerBase) -> None:
    text = "Grüße, 你好 — 5 o'clock?\n"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == text
