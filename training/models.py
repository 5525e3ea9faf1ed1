"""The base model and its tokenizer, with errors a person can act on."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
)

from domain.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase
    from transformers.utils.quantization_config import QuantizationConfigMixin


_CAUSAL = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")


def hush() -> None:
    """Keep transformers' progress bars, and its notes to peft's authors, off the terminal."""
    from transformers.utils import logging

    quiet: Callable[[], None] = logging.disable_progress_bar
    quiet()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")


def base_name(base: str) -> str:
    """The name a base goes by in cards and configs: its hub id, or its folder's name.

    A path says where something lies on one machine and is nobody else's business.
    """
    path = Path(base)
    return path.name if path.is_absolute() or path.exists() else base


def load_tokenizer(base: str) -> PreTrainedTokenizerBase:
    """Load the base's tokenizer and see that it has a chat template.

    Raises:
        TrainingError: It cannot be had, or has no chat template.
    """
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(base)
    except (OSError, ValueError) as error:
        raise _unavailable(base, "tokenizer", error) from error
    if tokenizer.chat_template:
        return tokenizer
    raise TrainingError(
        "the base model has no chat template",
        where=f"training.base: {base_name(base)}",
        expected="an instruction-tuned model, or a tokenizer with a chat_template",
        mend="Name an instruct model, or add a chat template to its tokenizer.",
    )


def check_causal(base: str) -> None:
    """See that `base` is a causal language model, without loading its weights.

    Raises:
        TrainingError: It cannot be had, or is another kind of model.
    """
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(base)
    except (OSError, ValueError) as error:
        raise _unavailable(base, "config", error) from error
    named = tuple(config.architectures or ())
    known = type(config) in MODEL_FOR_CAUSAL_LM_MAPPING
    if known and (not named or any(name.endswith(_CAUSAL) for name in named)):
        return
    raise TrainingError(
        "the base is not a causal language model",
        where=f"training.base: {base_name(base)}",
        expected="a model that AutoModelForCausalLM loads, such as a Llama or a Qwen",
        got=", ".join(named) or type(config).__name__,
        mend="Name a chat model.",
    )


def load_base(
    base: str,
    device: torch.device,
    precision: str = "auto",
    place: torch.device | None = None,
    quantised: QuantizationConfigMixin | None = None,
) -> PreTrainedModel:
    """Load the base; `auto` is float32 on a CPU, where bfloat16 is slow, and as stored elsewhere.

    Args:
        base: Folder or hub id.
        device: What it will be computed on, which decides on its precision.
        precision: `auto`, `float32` or `bfloat16`.
        place: Where it is put, if not on `device`.
        quantised: How its weights are quantised as they are loaded, onto `device`; None for not.

    Raises:
        TrainingError: It cannot be had, or the device has no bfloat16.
    """
    check_causal(base)
    dtype = _dtype(device, precision)
    where: dict[str, Any] = {}
    if quantised is not None:
        where = {"quantization_config": quantised, "device_map": {"": device}}
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=dtype, **where)
    except (OSError, ValueError) as error:
        raise _unavailable(base, "weights", error) from error
    placed: PreTrainedModel = model if where else model.to(place or device)
    return placed


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 by itself; a CPU that does not is 5 times slower."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _dtype(device: torch.device, precision: str) -> torch.dtype | str:
    if precision == "bfloat16" and not has_bfloat16(device):
        raise TrainingError(
            "this device has no bfloat16 of its own",
            where="training.precision: bfloat16",
            expected="a GPU of the Ampere generation or later, or a CPU with AVX-512 BF16 or AMX",
            got=str(device),
            mend="Set training.precision: float32.",
        )
    if precision != "auto":
        return torch.bfloat16 if precision == "bfloat16" else torch.float32
    return torch.float32 if device.type == "cpu" or not has_bfloat16(device) else "auto"


def _is_path(base: str) -> bool:
    """Whether `base` can be no hub id, which is `name` or `owner/name`."""
    return base.startswith(("/", ".", "~", "\\")) or base.endswith("/") or base.count("/") > 1


def _not_there(base: str) -> TrainingError:
    return TrainingError(
        "the base model's folder is not there",
        where=f"training.base: {base}",
        expected="a folder with a causal language model",
        got="a file" if Path(base).exists() else "nothing there",
        mend="Correct the path; a relative one begins at the folder that the command is run in"
        + (", and ~ is not known in it." if base.startswith("~") else "."),
    )


def _unavailable(base: str, what: str, error: Exception) -> TrainingError:
    if _is_path(base) and not Path(base).is_dir():
        return _not_there(base)
    return TrainingError(
        f"the base model's {what} cannot be loaded",
        where=f"training.base: {base_name(base)}",
        expected="a folder with a causal language model, or a hub id that is cached or reachable",
        got=str(error).splitlines()[0],
        mend="Download the model once where there is a network and set training.base to its"
        " folder, or use `tiny`.",
    )
