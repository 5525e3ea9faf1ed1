"""What a window of latencies says: whether calls queue, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

TOLERANCE = 1.25
"""Latency over the unloaded one from which on calls queue."""
UNLOADED_BELOW = 1.1
"""Latency over the unloaded one up to which a window says more of the unloaded one itself."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a window of latencies says, in logarithms."""

    rise: float
    """Mean of latency over the unloaded one."""
    error: float
    """Its standard error."""
    haste: float
    """By how much the rise is too low, see `engine.limits.latency.HASTE`."""

    @property
    def slack(self) -> float:
        """The rise that is tolerated."""
        return log(TOLERANCE) + self.haste

    @property
    def queueing(self) -> bool:
        """Whether calls queue."""
        return self.rise > self.slack + self.error

    @property
    def unloaded(self) -> bool:
        """Whether latency is the unloaded one."""
        return self.rise < log(UNLOADED_BELOW) + self.error
