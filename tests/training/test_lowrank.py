from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from peft import PeftModel
from torch.autograd import gradcheck
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from domain.settings import LoraSettings
from training.lowrank import LowRankLinear, LowRankUpdate
from training.method import add_lora

if TYPE_CHECKING:
    from pathlib import Path

apply: Any = LowRankUpdate.apply
IDS = torch.arange(40).remainder(29)[None]


def _base() -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        attention_bias=True,
    )
    return LlamaForCausalLM(config)


def _adapted(lora: LoraSettings, *, lean: bool) -> PeftModel:
    base = _base()
    torch.manual_seed(1)
    model = add_lora(base, lora, "base", lean=lean)
    torch.manual_seed(2)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    return model


def _gradients(model: PeftModel) -> dict[str, torch.Tensor]:
    model(input_ids=IDS, labels=IDS, use_cache=False).loss.backward()
    return {n: w.grad for n, w in model.named_parameters() if w.grad is not None}


def test_its_way_back_is_that_of_the_sum() -> None:
    torch.manual_seed(0)
    draw = [torch.randn(*shape, dtype=torch.float64) for shape in ((2, 5, 6), (4, 6), (4,))]
    down, up = torch.randn(3, 6, dtype=torch.float64), torch.randn(4, 3, dtype=torch.float64)
    x, weight, bias = draw
    for one in (x, down, up):
        one.requires_grad_()
    plain = functional.linear(x, weight, bias) + 0.7 * (x @ down.t() @ up.t())
    assert torch.allclose(apply(x, weight, bias, down, up, 0.7), plain)
    assert gradcheck(lambda *these: apply(these[0], weight, bias, *these[1:], 0.7), (x, down, up))


@pytest.mark.parametrize("lora", [LoraSettings(r=4), LoraSettings(r=4, rslora=True)])
def test_a_model_has_the_gradients_that_peft_gives_it(lora: LoraSettings) -> None:
    theirs, ours = _gradients(_adapted(lora, lean=False)), _gradients(_adapted(lora, lean=True))
    assert theirs.keys() == ours.keys()
    for name, gradient in theirs.items():
        torch.testing.assert_close(ours[name], gradient, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("lora", [LoraSettings(r=4, dropout=0.1), LoraSettings(r=4, dora=True)])
def test_dropout_and_dora_are_left_to_peft(lora: LoraSettings) -> None:
    layers = [one for one in _adapted(lora, lean=True).modules() if isinstance(one, LowRankLinear)]
    assert layers == []


def test_a_switched_off_adapter_leaves_the_base_as_it_was() -> None:
    model = _adapted(LoraSettings(r=4), lean=True)
    with torch.no_grad(), model.disable_adapter():
        off = model(input_ids=IDS).logits
    torch.testing.assert_close(off, _base()(input_ids=IDS).logits)
    assert not torch.allclose(off, model(input_ids=IDS).logits)


def test_what_is_saved_is_plain_peft(tmp_path: Path) -> None:
    model = _adapted(LoraSettings(r=4), lean=True)
    model.save_pretrained(str(tmp_path))
    again = PeftModel.from_pretrained(_base(), str(tmp_path))
    with torch.no_grad():
        torch.testing.assert_close(
            again(input_ids=IDS).logits, model(input_ids=IDS).logits, rtol=1e-5, atol=1e-5
        )
    assert not any(isinstance(one, LowRankLinear) for one in again.modules())
