"""Adapters and whole models on disk: which there are, whether they load safely, their hash."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from domain.errors import EvaluationError

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
WHOLE = "config.json"
"""What a folder of a whole model has."""


def find_adapters(folder: Path) -> dict[str, Path]:
    """Return the PEFT folders under `folder` by variant, in the order of their names."""
    if not folder.is_dir():
        return {}
    return {path.name: path for path in sorted(folder.iterdir()) if (path / CONFIG).is_file()}


def is_whole(path: Path) -> bool:
    """Whether a folder holds a whole model: fully fine-tuned, or an adapter merged."""
    return (path / WHOLE).is_file() and not (path / CONFIG).is_file()


def check_adapter(name: str, path: Path) -> None:
    """Refuse what is not a LoRA adapter in safetensors.

    Raises:
        EvaluationError: With the file that is missing or wrong. Pickled weights
            (`adapter_model.bin`) are refused: unpickling runs code.
    """
    if name == "base":
        raise EvaluationError(
            "an adapter cannot be called base",
            where=str(path),
            mend="give it another name; `base` is the model without an adapter",
        )
    for wanted in (CONFIG, WEIGHTS):
        if not (path / wanted).is_file():
            raise EvaluationError(
                "not an adapter that can be served",
                where=str(path),
                expected=f"a PEFT folder with {CONFIG} and {WEIGHTS}",
                got=f"no {wanted}",
                mend="train the variant again, or save it with safe_serialization=True",
            )
    try:
        kind = json.loads((path / CONFIG).read_text(encoding="utf-8")).get("peft_type")
    except (ValueError, AttributeError) as error:
        raise EvaluationError("not JSON", where=str(path / CONFIG), got=str(error)) from error
    if kind != "LORA":
        raise EvaluationError(
            "only LoRA adapters are served",
            where=str(path / CONFIG),
            expected="peft_type LORA",
            got=str(kind),
        )


def adapter_hash(path: Path) -> str:
    """Return the SHA-256 of an adapter's weights and config, in hex."""
    digest = hashlib.sha256()
    for name in (CONFIG, WEIGHTS):
        digest.update(name.encode())
        digest.update((path / name).read_bytes())
    return digest.hexdigest()


def fingerprint(base: str | Path) -> str:
    """Return a SHA-256 over a base folder's weights and tokenizer; over the name of a hub id."""
    digest = hashlib.sha256()
    folder = Path(base)
    if not folder.is_dir():
        digest.update(str(base).encode())
        return digest.hexdigest()
    for path in sorted(folder.iterdir()):
        if path.suffix in {".safetensors", ".json", ".jinja"}:
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
