"""Early stopping on held-out real turns (Prechelt, 1998), read off the log alone."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpus.chatform import messages_of
from corpus.files import read_records, write_text
from domain.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from domain.record import Record
    from training.examples import TrainingExample

SHARE = 4
"""One in four groups of held-out sessions is stopped on; the others are kept for measuring."""
MEASUREMENTS = 10
"""How often a run is measured, the last time at its end."""
MEASURED = "held_out_loss"


@dataclass(frozen=True)
class Stopping:
    """When a run is measured and when it ends; without patience or examples, at its last step."""

    patience: int | None
    """Measurements without a new best after which the run ends."""
    steps: int
    examples: Sequence[TrainingExample]
    """What is measured."""

    def due(self, log: Sequence[dict[str, float]]) -> bool:
        """Whether to measure after the last step of `log`."""
        if self.patience is None or not self.examples:
            return False
        return len(log) % math.ceil(self.steps / MEASUREMENTS) == 0 or len(log) == self.steps

    def is_best(self, log: Sequence[dict[str, float]]) -> bool:
        """Whether the last step of `log` was measured and is better than all before."""
        losses = [row[MEASURED] for row in log if MEASURED in row]
        return MEASURED in log[-1] and all(losses[-1] < before for before in losses[:-1])

    def ended(self, log: Sequence[dict[str, float]]) -> bool:
        """Whether the run has taken all its steps, or has not become better for too long."""
        if len(log) >= self.steps:
            return True
        losses = [row[MEASURED] for row in log if MEASURED in row]
        if self.patience is None or not losses:
            return False
        return len(losses) - 1 - losses.index(min(losses)) >= self.patience


def groups_for_stopping(records: Sequence[Record]) -> frozenset[str]:
    """Choose, by hash, the groups that training may look at; results must not rest on them.

    Raises:
        TrainingError: There are fewer than two groups.
    """
    groups = sorted(
        {record.group for record in records},
        key=lambda group: hashlib.sha256(group.encode()).hexdigest(),
    )
    if len(groups) < 2:
        raise TrainingError(
            "too few held-out sessions to stop early on",
            where="training.patience",
            expected="held-out real sessions of two groups or more",
            got=f"{len(groups)} groups",
            mend="Raise corpus.held_out_share, add transcripts, or set training.patience: null.",
        )
    return frozenset(groups[: max(1, len(groups) // SHARE)])


def write_stopping_set(held_out: Path, target: Path) -> None:
    """Write the sessions to stop on as a messages.jsonl.

    Raises:
        TrainingError: There are too few.
        StoreError: The held-out records cannot be read, or the file not written.
    """
    records = list(read_records(held_out)) if held_out.exists() else []
    chosen = groups_for_stopping(records)
    lines = [
        json.dumps({"id": record.id, "messages": messages_of(record.turns)}) + "\n"
        for record in records
        if record.group in chosen
    ]
    target.parent.mkdir(parents=True, exist_ok=True)
    write_text(target, "".join(lines))
