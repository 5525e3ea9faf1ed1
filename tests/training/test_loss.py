from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch.nn import functional
from transformers import Gemma2Config, Gemma2ForCausalLM, LlamaConfig, LlamaForCausalLM

from domain.settings import LoraSettings
from tests.training.talk import jsonl
from training import loss
from training.attention import ALONE, MASK, SEGMENTS
from training.batches import lay_out
from training.examples import build_examples, parse_conversations
from training.loss import HOOK, SPLIT, LossPath, find_path
from training.method import add_lora
from training.models import load_base

if TYPE_CHECKING:
    from pathlib import Path

    from peft import PeftModel
    from transformers import PreTrainedTokenizerBase

    from training.examples import TrainingExample

CPU = torch.device("cpu")


@pytest.fixture
def examples(tokenizer: PreTrainedTokenizerBase) -> list[TrainingExample]:
    short = build_examples(tokenizer, parse_conversations(jsonl(2, exchanges=2), "a"), 512)
    longer = build_examples(tokenizer, parse_conversations(jsonl(2, exchanges=4), "b"), 512)
    return [*short, *longer]


def adapted(base: Path) -> PeftModel:
    """The base with LoRA on every layer and the head, none of it zero."""
    torch.manual_seed(1)
    lora = LoraSettings(r=4, target_modules=("q_proj", "v_proj", "down_proj", "lm_head"))
    model = add_lora(load_base(str(base), CPU), lora, "base")
    for weight in model.parameters():
        if weight.requires_grad:
            torch.nn.init.normal_(weight, std=0.05)
    return model.train()


def by_hand(model: torch.nn.Module, one: TrainingExample) -> torch.Tensor:
    """Losses of one session from the full logits, under the model's own attention."""
    ids = torch.from_numpy(one.input_ids)
    logits = model(input_ids=ids[None]).logits[0]
    losses = functional.cross_entropy(logits[:-1], ids[1:], reduction="none")
    return losses[torch.from_numpy(one.loss_mask[1:])]


def gradients(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    found = {
        name: weight.grad.clone()
        for name, weight in model.named_parameters()
        if weight.grad is not None
    }
    model.zero_grad(set_to_none=True)
    return found


@pytest.mark.parametrize("attention", [SEGMENTS, MASK, ALONE])
@pytest.mark.parametrize("head", [SPLIT, HOOK])
def test_packed_loss_and_gradients_equal_unpacked(
    small_base: Path,
    examples: list[TrainingExample],
    attention: str,
    head: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(loss.CHUNKS, "cpu", 5_000)  # several chunks
    model = adapted(small_base)
    supervised = sum(one.supervised for one in examples)
    expected = torch.cat([by_hand(model, one) for one in examples])
    torch.autograd.backward(expected.sum() / supervised)
    right = gradients(model)
    path = find_path(model, CPU, attention, (head,))
    rows = [examples] if path.packs else [[one] for one in examples]
    got = torch.cat([path.losses(lay_out(row)) for row in rows])
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)
    total = sum(path.backward(lay_out(row), supervised) for row in rows)
    assert total == pytest.approx(expected.sum().item(), rel=1e-5)
    found = gradients(model)
    assert found.keys() == right.keys()
    for name, gradient in right.items():
        assert bool(gradient.abs().max() > 0)
        torch.testing.assert_close(found[name], gradient, rtol=1e-5, atol=1e-6)


def test_a_changed_session_leaves_the_others_as_they_were(
    small_base: Path, examples: list[TrainingExample]
) -> None:
    path = find_path(adapted(small_base).eval(), CPU)
    first, *others = examples
    changed = type(first)(first.record_id, (first.input_ids + 7) % 600, first.loss_mask)
    with torch.no_grad():
        before = path.losses(lay_out([first, *others]))
        after = path.losses(lay_out([changed, *others]))
    count = first.supervised
    assert not torch.equal(before[:count], after[:count])
    assert torch.equal(before[count:], after[count:])


def gemma() -> Gemma2ForCausalLM:
    """Soft caps on scores and logits, a sliding window, scaled and tied embeddings."""
    torch.manual_seed(0)
    config = Gemma2Config(
        vocab_size=300,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        sliding_window=5,
        initializer_range=0.5,
    )
    model = Gemma2ForCausalLM(config)
    model.set_attn_implementation("eager")
    return model


def test_soft_caps_and_sliding_windows_are_kept(examples: list[TrainingExample]) -> None:
    model: Any = gemma()
    model.eval()
    clipped = [type(one)(one.record_id, one.input_ids % 300, one.loss_mask) for one in examples]
    with torch.no_grad():
        expected = torch.cat([by_hand(model, one) for one in clipped])
        path = find_path(model, CPU)
        got = path.losses(lay_out(clipped))
    assert (path.attention, path.head) == (SEGMENTS, SPLIT)
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-4)


def test_a_model_that_mixes_sessions_is_found_out() -> None:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=300,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
    )
    model = LlamaForCausalLM(config)
    norm: Any = model.model.norm

    def blur(_: torch.nn.Module, __: object, output: torch.Tensor) -> torch.Tensor:
        return output + output.mean(dim=1, keepdim=True)

    norm.register_forward_hook(blur)  # every place looks at the whole row
    path = find_path(model, CPU)
    assert path.attention == ALONE
    assert not path.packs


def test_logits_never_exist_whole(
    small_base: Path, examples: list[TrainingExample], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(loss.CHUNKS, "cpu", 6_000)
    model = adapted(small_base)
    path = find_path(model, CPU)
    assert isinstance(path, LossPath)
    sizes: list[int] = []
    head: Any = model.get_output_embeddings()
    head.register_forward_hook(lambda _module, _inputs, output: sizes.append(output.numel()))
    path.backward(lay_out(examples), 1)
    supervised = sum(one.supervised for one in examples)
    assert max(sizes) <= 6_000
    assert sum(sizes) == supervised * 600
