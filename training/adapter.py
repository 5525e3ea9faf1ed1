"""A trained adapter's folder: PEFT's files, the train log, a summary and a model card."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from corpus.folders import at_once
from training.card import CARD_FILE, CardFacts, card_of
from training.snapshot import BEST_FILE, STATE_FILE
from training.summary import SUMMARY_FILE, TrainSummary, read_log

if TYPE_CHECKING:
    from pathlib import Path

    from domain.settings import TrainingSettings


def write_adapter(
    target: Path, checkpoint: Path, summary: TrainSummary, settings: TrainingSettings
) -> None:
    """Copy a last checkpoint to `target` as a plain PEFT folder; it appears whole or not at all.

    Raises:
        StoreError: It cannot be written.
    """

    def fill(making: Path) -> None:
        ignore = shutil.ignore_patterns(STATE_FILE, BEST_FILE, CARD_FILE, ".*")
        shutil.copytree(checkpoint, making, ignore=ignore, dirs_exist_ok=True)
        (making / SUMMARY_FILE).write_bytes(summary.model_dump_json(indent=2).encode() + b"\n")
        card = card_of(CardFacts(summary, settings, read_log(making)))
        (making / CARD_FILE).write_text(card, encoding="utf-8")

    at_once(target, fill, "the adapter")
