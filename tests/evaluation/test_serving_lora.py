"""A batch that mixes adapters computes what PEFT computes for each adapter alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

from evaluation.serving.loading import load_models
from evaluation.serving.requests import Message, Sampling
from evaluation.serving.sampling import Row, make_row
from tests.evaluation.serving_client import ask, running, said

if TYPE_CHECKING:
    from pathlib import Path

    from evaluation.serving.loading import Precision
    from evaluation.serving.models import ServedModels

SAID = ("Hello.", "I felt worn out.", "Nobody at work would listen to me, and then I was angry.")


def rows_of(models: ServedModels) -> list[Row]:
    """Each model beside each text."""
    return [
        make_row(name, models.encode([Message(role="user", content=text)]), Sampling(), 1)
        for text in SAID
        for name in models.names
    ]


def by_peft(base: Path, adapters: dict[str, Path], rows: list[Row]) -> torch.Tensor:
    """The logits after each row's prompt, one row and one adapter at a time."""
    found = []
    for row in rows:
        model: Any = AutoModelForCausalLM.from_pretrained(base)
        if row.model in adapters:
            model = PeftModel.from_pretrained(model, str(adapters[row.model]))
        with torch.inference_mode():
            found.append(model.eval()(input_ids=torch.tensor([row.prompt])).logits[0, -1])
    return torch.stack(found)


def adapter(base: Path, path: Path, **config: object) -> Path:
    """A random adapter of another kind."""
    torch.manual_seed(len(str(config)))
    model = AutoModelForCausalLM.from_pretrained(base)
    kind: Any = LoraConfig
    lora = kind(init_lora_weights=False, task_type="CAUSAL_LM", **config)
    get_peft_model(model, lora).save_pretrained(str(path))
    return path


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_each_row_of_a_mixed_batch_has_its_own_adapters_logits(
    tiny_base: Path, tiny_adapters: dict[str, Path], precision: Precision
) -> None:
    models = load_models(tiny_base, tiny_adapters, device="cpu", precision=precision)
    rows = rows_of(models)
    together = models.logits(rows)
    assert models.mixed
    torch.testing.assert_close(
        together.float(), by_peft(tiny_base, tiny_adapters, rows), rtol=0, atol=1e-4
    )


def test_adapters_of_other_ranks_scales_layers_and_kinds_mix(
    tiny_base: Path, tmp_path: Path
) -> None:
    kinds = {
        "wide": adapter(tiny_base, tmp_path / "wide", r=8, lora_alpha=3, use_rslora=True),
        "narrow": adapter(tiny_base, tmp_path / "narrow", r=2, target_modules=["down_proj"]),
        "dora": adapter(
            tiny_base, tmp_path / "dora", r=3, lora_alpha=5, use_dora=True,
            target_modules="all-linear",
        ),
    }  # fmt: skip
    models = load_models(tiny_base, kinds, device="cpu", precision="float32")
    rows = rows_of(models)
    together = models.logits(rows)
    assert models.mixed
    torch.testing.assert_close(together, by_peft(tiny_base, kinds, rows), rtol=0, atol=1e-4)


async def test_an_adapter_that_reaches_beyond_linear_layers_is_served_all_the_same(
    tiny_base: Path, tiny_adapters: dict[str, Path], tmp_path: Path
) -> None:
    wide = adapter(tiny_base, tmp_path / "far", r=4, target_modules=["embed_tokens", "q_proj"])
    beside = load_models(tiny_base, {"far": wide, **tiny_adapters}, device="cpu")
    assert not beside.mixed
    async with running(beside) as client:
        replies = [
            said(await client.post(ask("Hello.", name, temperature=0)))
            for name in ("base", "far", "real", "base")
        ]
    assert len(set(replies)) == 3
    assert replies[0] == replies[3]
