"""A trained adapter's folder: PEFT's files, the train log, a summary and a model card."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.folders import put_in_place
from domain.errors import StoreError
from training.card import CARD_FILE, CardFacts, card_of
from training.snapshot import BEST_FILE, LOG_FILE, STATE_FILE
from training.summary import TrainSummary

if TYPE_CHECKING:
    from domain.settings import TrainingSettings

SUMMARY_FILE = "training.json"


def write_adapter(
    target: Path, checkpoint: Path, summary: TrainSummary, settings: TrainingSettings
) -> None:
    """Copy a last checkpoint to `target` as a plain PEFT folder; it appears whole or not at all.

    Raises:
        StoreError: It cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            ignore = shutil.ignore_patterns(STATE_FILE, BEST_FILE, CARD_FILE, ".*")
            shutil.copytree(checkpoint, making, ignore=ignore, dirs_exist_ok=True)
            (making / SUMMARY_FILE).write_bytes(summary.model_dump_json(indent=2).encode() + b"\n")
            card = card_of(CardFacts(summary, settings, read_log(making)))
            (making / CARD_FILE).write_text(card, encoding="utf-8")
            put_in_place(making, target)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    except OSError as error:
        raise StoreError(
            "the adapter cannot be written",
            where=str(target),
            got=error.strerror or str(error),
            mend="Check the folder's permissions and the space on the disk, then train again.",
        ) from error


def read_summary(adapter: Path) -> TrainSummary | None:
    """Return the summary in an adapter's folder, None where there is none that can be read."""
    try:
        return TrainSummary.model_validate_json((adapter / SUMMARY_FILE).read_bytes())
    except (OSError, ValueError):
        return None


def read_log(folder: Path) -> list[dict[str, float]]:
    """Return the rows of a train log, first step first."""
    lines = (folder / LOG_FILE).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
