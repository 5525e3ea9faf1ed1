"""How the learning rate moves over a run."""

from __future__ import annotations

import math

FLOOR = 0.05
"""Share of the peak rate that is left at the end."""


def rate_at(done: float, warmup: float) -> float:
    """Share of the peak rate after `done` (0 to 1) of a run: linear warm-up, cosine to `FLOOR`."""
    if done < warmup:
        return max(FLOOR, done / warmup)
    past = (done - warmup) / (1 - warmup)
    return FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * past))
