"""Base and adapter as one whole model, for servers that load no adapters."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from peft import PeftModel

from domain.errors import ConfigError, StoreError, TrainingError
from training.card import CARD_FILE
from training.method import generation_config
from training.models import check_causal, hush, load_base, load_tokenizer
from training.weights import check_adapter

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_NOTE = """
## Merged

The adapter described above, added to the weights of its base: a whole model that loads without
PEFT, with `AutoModelForCausalLM.from_pretrained("path/to/this/folder")`.
"""


def merge_adapter(base: Path | str, adapter: Path, target: Path) -> None:
    """Write `base` with `adapter` added to its weights to `target`; whole or not at all.

    Raises:
        ConfigError: `target` exists, or `adapter` is none.
        TrainingError: The base cannot be loaded, or the adapter is damaged or does not fit it.
        StoreError: `target` cannot be written.
    """
    hush()
    if target.exists():
        raise ConfigError(
            "there is something at the place for the model",
            where=str(target),
            expected="a folder that does not exist yet",
            mend="Name another folder.",
        )
    if not (adapter / "adapter_config.json").is_file():
        whole = (adapter / "config.json").is_file()
        raise ConfigError(
            "there is no adapter to merge",
            where=str(adapter),
            expected="a PEFT folder with adapter_config.json",
            got="a whole model already (training.method: full)" if whole else "no such file",
            mend="Use it as it is." if whole else "Train the variant first: rehearsal train RUN",
        )
    check_adapter(adapter)
    check_causal(str(base))
    merged = _merged(str(base), adapter)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            tokenizer = load_tokenizer(str(base))
            generation = generation_config(merged, tokenizer)
            merged.save_pretrained(str(making))
            tokenizer.save_pretrained(str(making))
            generation.save_pretrained(str(making))
            (making / CARD_FILE).write_text(_card(adapter), encoding="utf-8")
            making.chmod(0o755)
            making.rename(target)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    except OSError as error:
        raise StoreError(
            "the merged model cannot be written",
            where=str(target),
            got=error.strerror or str(error),
            mend="Check the folder's permissions and the space on the disk.",
        ) from error


def _merged(base: str, adapter: Path) -> PreTrainedModel:
    model: Any = load_base(base, torch.device("cpu"))
    try:
        adapted: Any = PeftModel.from_pretrained(model, str(adapter))
    except (ValueError, RuntimeError) as error:
        raise TrainingError(
            "the adapter does not fit the base",
            where=str(adapter),
            got=str(error).splitlines()[0],
            mend="Name the base that it was trained on in training.base.",
        ) from error
    merged: PreTrainedModel = adapted.merge_and_unload(safe_merge=True)
    return merged


def _card(adapter: Path) -> str:
    """The adapter's own card, up to how it is loaded."""
    card = adapter / CARD_FILE
    text = card.read_text(encoding="utf-8") if card.is_file() else f"# {adapter.name}\n"
    described = text.split("## How to load it")[0].rstrip()
    return described.replace("library_name: peft", "library_name: transformers") + "\n" + _NOTE
