"""What is known of a variant after it was trained."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from pydantic import Field

from domain.base import Noun

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

SUMMARY_FILE, LOG_FILE = "training.json", "train-log.jsonl"


class TrainSummary(Noun):
    """One trained variant."""

    variant: str
    base: str
    """Hub id or folder name of the base, never a path."""
    blend_hash: str
    """SHA-256 of the blend's messages.jsonl, in hex."""
    fingerprint: str
    """Hash of everything the adapter depends on: base, blend, settings and seed."""
    examples: int
    """Sequences, after long sessions were split."""
    steps: int
    supervised_tokens: int
    epochs: float
    """How often the blend was gone through."""
    first_loss: float
    """Mean loss of the first step's tokens, in nats per token."""
    last_loss: float
    seconds: float
    """Time spent in steps, without starting up."""
    weights: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of each file of weights, in hex; none in what was written before there were any."""


def read_summary(adapter: Path) -> TrainSummary | None:
    """Return the summary in an adapter's folder, None where there is none that can be read."""
    try:
        return TrainSummary.model_validate_json((adapter / SUMMARY_FILE).read_bytes())
    except (OSError, ValueError):
        return None


def hashes_of(folder: Path, leave_out: Collection[str] = ()) -> dict[str, str]:
    """Return the SHA-256 of each safetensors file of a folder, in hex, by name."""
    hashes = {}
    for path in sorted(folder.glob("*.safetensors")):
        if path.name not in leave_out:
            with path.open("rb") as file:
                hashes[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


def read_log(folder: Path) -> list[dict[str, float]]:
    """Return the rows of a train log, first step first."""
    lines = (folder / LOG_FILE).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
