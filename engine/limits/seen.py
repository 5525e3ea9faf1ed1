"""What a limit remembers of an endpoint: unloaded latency, the last answers, and the load."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.limits.sight import Timing

LEAST_ROUND_S = 0.1
"""A round trip counts as at least this, the time between two reports."""
STRETCH = 0.75
MEMORY_CALLS = 256
"""Calls that the unloaded latency is remembered over."""


@dataclass(slots=True)
class Unloaded:
    """A role's latency where there is no queue."""

    log: float
    mean_s: float
    n: int

    def learn(self, timing: Timing, weight: float, short: float = 0.0) -> None:
        """Move towards `timing`, wholly at a weight of 1.

        Args:
            timing: What was seen.
            weight: 0 to 1.
            short: By how much the logarithms of what was seen are too low.
        """
        self.log += weight * (timing.mean_log + short - self.log)
        self.mean_s += weight * (timing.mean_s * exp(short) - self.mean_s)
        self.n = min(MEMORY_CALLS, self.n + timing.n)


@dataclass(slots=True)
class Window:
    """What came back since `began`."""

    began: float
    timings: dict[str, Timing] = field(default_factory=dict)
    """Of fresh calls."""
    ended: int = 0
    timeouts: int = 0
    pressed: bool = False
    highest: float = 0.0
    """The limit, at most."""

    @property
    def n(self) -> int:
        """Fresh calls that were answered."""
        return sum(timing.n for timing in self.timings.values())

    def scatter(self) -> float | None:
        """Variance of the logarithms of latency within roles, or None where there is none."""
        degrees = sum(max(0, timing.n - 1) for timing in self.timings.values())
        return sum(t.scatter for t in self.timings.values()) / degrees if degrees > 1 else None


class Load:
    """Calls that would be under way if what is answered had not queued, over a round trip."""

    def __init__(self, now: float) -> None:
        self._began = now
        self._now: dict[int, tuple[float, float]] = {}
        """By worker: seconds that its answers take without a queue, and within which seconds."""
        self._before: dict[int, tuple[float, float]] = {}

    def add(self, worker: int, work: float, within_s: float, now: float, round_s: float) -> None:
        """Count answers of `worker` that take `work` seconds without a queue, got `within_s`."""
        if now - self._began >= max(round_s, 2 * LEAST_ROUND_S):
            self._before, self._now, self._began = self._now, {}, now
        done, span = self._now.get(worker, (0.0, 0.0))
        self._now[worker] = done + work, span + within_s

    def value(self, now: float, round_s: float) -> float:
        """Return the larger of the last two round trips: one may have begun before the queue.

        Answers come in bunches: the latest stretch counts once it is nearly as long as a round
        trip.
        """
        whole = now - self._began >= STRETCH * round_s or not self._before
        both = (self._before, self._now) if whole else (self._before,)
        return max(sum(work / span for work, span in one.values() if span) for one in both)
