"""How a base is trained: LoRA and its kinds, or every weight; and how what was learned is kept."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import torch
from peft import LoraConfig, PeftModel, TaskType, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, GenerationConfig

from domain.errors import TrainingError
from training.chat import end_of_turn
from training.lowrank import use_lowrank
from training.models import load_base, load_tokenizer
from training.weights import check_adapter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from domain.settings import LoraSettings, TrainingSettings


def check_method(settings: TrainingSettings) -> None:
    """See that what the method needs is installed, before anything is loaded.

    Raises:
        TrainingError: QLoRA without bitsandbytes, or asked for together with full fine-tuning.
    """
    lora = settings.lora
    if settings.method == "full" and lora.qlora:
        raise TrainingError(
            "weights in 4 bits cannot be trained themselves",
            where="training.lora.qlora",
            expected="qlora only with training.method: lora",
            got="training.method: full",
            mend="Set training.method: lora, or training.lora.qlora: false.",
        )
    if lora.qlora and importlib.util.find_spec("bitsandbytes") is None:
        raise TrainingError(
            "QLoRA needs bitsandbytes, which is not installed",
            where="training.lora.qlora",
            expected="the package bitsandbytes and a device that it supports",
            got="no such package",
            mend="pip install bitsandbytes, or set training.lora.qlora: false.",
        )


def quantisation(settings: TrainingSettings) -> BitsAndBytesConfig | None:
    """Return how a base is quantised for QLoRA (Dettmers et al., 2023), None for other kinds."""
    if settings.method == "full" or not settings.lora.qlora:
        return None
    check_method(settings)
    config: Any = BitsAndBytesConfig
    made: BitsAndBytesConfig = config(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    return made


def precision_of(settings: TrainingSettings) -> str:
    """Return how the base's weights are kept: float32 where they are what is trained."""
    return "float32" if settings.method == "full" else settings.precision


def adapt(model: PreTrainedModel, settings: TrainingSettings, name: str) -> Any:  # noqa: ANN401 - adapted or not
    """Make `model` ready to be trained by the settings' method.

    LoRA (Hu et al., 2021) freezes the base and adds fresh matrices; full fine-tuning leaves the
    model as it is, with every weight trained.

    Args:
        model: The base.
        settings: The method, and LoRA's rank, scale, dropout, kind and targets.
        name: What an adapter's config calls its base.

    Raises:
        TrainingError: The base has none of the target modules.
    """
    check_method(settings)
    if settings.method == "full":
        for weight in model.parameters():
            weight.requires_grad = True
        return model
    if settings.lora.qlora:
        prepare: Any = prepare_model_for_kbit_training
        model = prepare(model, use_gradient_checkpointing=False)
    return add_lora(model, settings.lora, name, lean=True)


def add_lora(
    model: PreTrainedModel, lora: LoraSettings, name: str, *, lean: bool = False
) -> PeftModel:
    """Put fresh LoRA matrices on `model`; everything else is frozen. See `adapt`.

    With `lean`, layers compute PEFT's sum in fewer passes (`training.lowrank`).
    """
    targets = lora.target_modules
    config = LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
        use_rslora=lora.rslora,
        use_dora=lora.dora,
        task_type=TaskType.CAUSAL_LM,
    )
    if lean:
        use_lowrank(config, lora)
    try:
        adapted = get_peft_model(model, config)
    except ValueError as error:
        raise TrainingError(
            "the LoRA target modules are not in the base",
            where="training.lora.target_modules",
            got=str(error).splitlines()[0],
            mend="Use all-linear, or name modules of this base.",
        ) from error
    if lora.dora:
        _refuse_empty_rows(adapted)
    config.base_model_name_or_path = name  # peft puts the path there that it was loaded from
    return adapted


def _refuse_empty_rows(model: PeftModel) -> None:
    """DoRA divides each row of a weight by its length."""
    empty = {
        name.split(".")[-1]
        for name, module in model.named_modules()
        if hasattr(module, "lora_magnitude_vector")
        and module.get_base_layer().weight.is_floating_point()  # not in 4 bits
        and bool((module.get_base_layer().weight.norm(dim=1) == 0).any())
    }
    if empty:
        raise TrainingError(
            "DoRA cannot scale rows of zeros",
            where="training.lora.dora",
            expected="target modules whose weights have no row of zeros",
            got=f"such rows in {', '.join(sorted(empty))}",
            mend="Name other modules in training.lora.target_modules, or use rslora. In the tiny"
            " base, gate_proj and up_proj are whole.",
        )


def save_trained(
    model: Any,  # noqa: ANN401 - adapted or not
    folder: Path,
    base: str,
    weights: Mapping[str, torch.Tensor] | None = None,
) -> None:
    """Write what was learned, in safetensors: an adapter, or a whole model with its tokenizer.

    Args:
        model: What `adapt` returned.
        folder: An existing folder.
        base: Folder or hub id of the base, for its tokenizer.
        weights: The state to write where the model does not hold it whole (shared out over ranks).
    """
    tokenizer = load_tokenizer(base)
    state = None if weights is None else dict(weights)
    if isinstance(model, PeftModel):
        save: Any = model.save_pretrained
        save(str(folder), state_dict=state, save_embedding_layers=False)
        (folder / "README.md").unlink(missing_ok=True)  # peft's own, which says nothing of ours
        generation = generation_config(model.get_base_model(), tokenizer)
    else:
        generation = generation_config(model, tokenizer)
        model.save_pretrained(str(folder), state_dict=state)
        tokenizer.save_pretrained(str(folder))
    generation.save_pretrained(str(folder))


def restore_trained(model: Any, folder: Path) -> None:  # noqa: ANN401 - adapted or not
    """Put back what `save_trained` wrote."""
    from peft import load_peft_weights, set_peft_model_state_dict

    if isinstance(model, PeftModel):
        weights: dict[str, Any] = load_peft_weights(str(folder), device="cpu")
        set_peft_model_state_dict(model, weights)
        return
    saved: Any = AutoModelForCausalLM.from_pretrained(str(folder), dtype="auto")
    model.load_state_dict(saved.state_dict())


def load_trained(base: str, trained: Path, device: torch.device) -> Any:  # noqa: ANN401 - adapted or not
    """Load a variant, to be asked and not trained: base and adapter, or the whole model.

    Raises:
        TrainingError: The base or the variant cannot be loaded.
    """
    if not (trained / "adapter_config.json").is_file():
        return load_base(str(trained), device)
    check_adapter(trained)
    try:
        return PeftModel.from_pretrained(load_base(base, device), str(trained))
    except (OSError, ValueError, RuntimeError) as error:
        raise TrainingError(
            "the adapter cannot be loaded onto the base",
            where=str(trained),
            expected="an adapter that was trained on this base",
            got=str(error).splitlines()[0],
            mend="Train it again, or name the base that it was trained on.",
        ) from error


def generation_config(model: Any, tokenizer: PreTrainedTokenizerBase) -> GenerationConfig:  # noqa: ANN401 - any causal LM
    """Return the base's own generation settings, with the token that was learned to end a turn.

    Some bases stop at the end of a text only; an answer would then run on into the client's words.
    """
    own: GenerationConfig = model.generation_config
    stops = own.eos_token_id if isinstance(own.eos_token_id, list) else [own.eos_token_id]
    ends = dict.fromkeys([*(one for one in stops if one is not None), end_of_turn(tokenizer)])
    kept = {
        key: value
        for key in ("temperature", "top_p", "top_k", "do_sample", "repetition_penalty")
        if own.do_sample and (value := getattr(own, key, None)) is not None
    }
    config: Any = GenerationConfig
    made: GenerationConfig = config(
        bos_token_id=own.bos_token_id,
        pad_token_id=next(
            one for one in (own.pad_token_id, tokenizer.pad_token_id, *ends) if one is not None
        ),
        eos_token_id=list(ends),
        **kept,
    )
    return made
