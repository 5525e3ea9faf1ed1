"""An export loads in `datasets` and trains in TRL's SFTTrainer as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.corpus.builders import record
from tests.corpus.test_export import exported, signed

if TYPE_CHECKING:
    from pathlib import Path

    from domain.runfolder import RunFolder

datasets = pytest.importorskip("datasets")


@pytest.fixture
def filled(run: RunFolder) -> RunFolder:
    signed(run, *map(record, range(1, 5)))
    return run


def loaded(run: RunFolder, target: Path, form: str) -> Any:  # noqa: ANN401 - untyped library
    exported(run, target, form)
    if form == "datasets":
        return datasets.load_from_disk(str(target))
    cache = target.parent / "cache"
    return datasets.load_dataset(str(target), split="train", cache_dir=str(cache))


@pytest.mark.parametrize(
    "form", ["openai", "trl", "sharegpt", "alpaca", "parquet", "datasets", "csv"]
)
def test_every_form_loads_by_its_folder(filled: RunFolder, tmp_path: Path, form: str) -> None:
    manifest, _ = exported(filled, tmp_path / "out", form)
    found = loaded(filled, tmp_path / "out", form)
    assert len(found) == manifest.rows
    ids = {entry.id for entry in manifest.records}
    key = "session" if form == "csv" else "id"
    named = [row.get("metadata", row)[key] for row in found]
    assert set(named) == ids


@pytest.mark.slow
@pytest.mark.parametrize("form", ["trl", "parquet", "datasets", "openai"])
def test_an_export_trains_as_it_is(filled: RunFolder, tmp_path: Path, form: str) -> None:
    trl = pytest.importorskip("trl")
    data = loaded(filled, tmp_path / "out", form)
    arguments = trl.SFTConfig(
        output_dir=str(tmp_path / "trained"),
        max_steps=2,
        per_device_train_batch_size=2,
        max_length=256,
        assistant_only_loss=True,
        report_to=[],
        use_cpu=True,
        bf16=False,
        save_strategy="no",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    model, tokenizer = tiny_llama()
    trainer = trl.SFTTrainer(
        model=model, args=arguments, train_dataset=data, processing_class=tokenizer
    )
    assert trainer.train().training_loss > 0


_TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' }}"
    "{% if m['role'] == 'assistant' %}{% generation %}{{ m['content'] + eos_token }}"
    "{% endgeneration %}{% else %}{{ m['content'] + eos_token }}{% endif %}{% endfor %}"
)


def tiny_llama() -> Any:  # noqa: ANN401 - untyped library
    """A random Llama over bytes, with a chat template that marks what the assistant says."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = ["<pad>", "<eos>"]
    vocabulary = {sign: number for number, sign in enumerate([*special, *alphabet])}
    raw = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    fast: Any = PreTrainedTokenizerFast
    tokenizer = fast(tokenizer_object=raw, pad_token="<pad>", eos_token="<eos>")
    tokenizer.chat_template = _TEMPLATE
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        pad_token_id=0,
        eos_token_id=1,
    )
    return LlamaForCausalLM(config), tokenizer
