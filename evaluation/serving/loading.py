"""Loads a base and its adapters from disk, in the precision and batch shape that fit the device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from domain.errors import EvaluationError
from evaluation.candidates.adapters import check_adapter
from evaluation.serving.models import BASE, BatchShape, ServedModels

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from transformers import PreTrainedTokenizerBase

Precision = Literal["auto", "float32", "float64", "bfloat16"]

EXACT_PARAMETERS = 200_000_000
"""Up to this size a model on a CPU runs in float64: its rounding, some 1e-15, does not reach a
drawn token, so requests can share a batch."""
ROWS = 16
"""Requests in one batch."""


def load_models(
    base: str | Path,
    adapters: Mapping[str, Path],
    *,
    name: str = BASE,
    device: str = "auto",
    precision: Precision = "auto",
    local_only: bool = True,
) -> ServedModels:
    """Load a causal LM with a chat template, and LoRA adapters for it, from safetensors only.

    Args:
        base: A folder, or a hub id when `local_only` is off.
        adapters: PEFT folders by the model name they are served under.
        name: What the base is served under.
        device: `cpu`, `cuda`, or `auto` for a GPU where there is one.
        precision: Of weights and sums; `auto` is bfloat16 on a GPU, float64 for a small model on a
            CPU and float32 for a larger one.
        local_only: Whether nothing is fetched from a hub.

    Raises:
        EvaluationError: A file is missing, is not safetensors, or does not fit the base.
    """
    for adapter, path in adapters.items():
        check_adapter(adapter, path)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    model, tokenizer = _load(base, adapters, local_only=local_only)
    if not tokenizer.chat_template:
        raise EvaluationError(
            "the base has no chat template",
            where=str(base),
            expected="a tokenizer with a chat template",
            mend="use an instruction-tuned base, or add a chat_template to its tokenizer",
        )
    dtype = _dtype(model, device) if precision == "auto" else getattr(torch, precision)
    # dtype before `mix` copies the adapters' matrices; eval before anything is answered
    model = model.to(device=device, dtype=dtype).eval()
    shape = _shape(dtype, chosen=precision != "auto" or device != "cpu")
    return ServedModels(model, tokenizer, list(adapters), shape, name)


def _load(
    base: str | Path, adapters: Mapping[str, Path], *, local_only: bool
) -> tuple[Any, PreTrainedTokenizerBase]:
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(base), local_files_only=local_only)
        model: Any = AutoModelForCausalLM.from_pretrained(
            str(base), use_safetensors=True, local_files_only=local_only, dtype="auto"
        )
        for name, path in adapters.items():
            if isinstance(model, PeftModel):
                model.load_adapter(str(path), adapter_name=name)
            else:
                model = PeftModel.from_pretrained(model, str(path), adapter_name=name)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise EvaluationError(
            "the base or an adapter cannot be loaded",
            where=str(base),
            expected="a causal LM with safetensors weights, and LoRA adapters trained on it",
            got=str(error).splitlines()[0] if str(error) else type(error).__name__,
            mend="train the adapters on this base again, or name the base they were trained on",
        ) from error
    return model, tokenizer


def _dtype(model: Any, device: str) -> torch.dtype:  # noqa: ANN401 - transformers' models share no type
    if device != "cpu":
        return torch.bfloat16
    size = sum(weight.numel() for weight in model.parameters())
    return torch.float64 if size <= EXACT_PARAMETERS else torch.float32


def _shape(dtype: torch.dtype, *, chosen: bool) -> BatchShape:
    """Free where rounding cannot be seen, else fixed: see `BatchShape`.

    A large model on a CPU answers one by one, unless its precision was chosen: vacant rows of a
    fixed shape are computed too, and cost it more than company saves (docs/evaluation.md).
    """
    if dtype is torch.float64:
        return BatchShape(rows=ROWS, fixed=False)
    return BatchShape(rows=ROWS, fixed=True) if chosen else BatchShape(rows=1, fixed=False)
