"""Early stopping on held-out real turns (Prechelt, 1998), read off the log alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.examples import TrainingExample

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
