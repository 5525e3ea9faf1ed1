"""What a lap costs: CPU of this process with all its threads, never of the stub."""

from __future__ import annotations

import resource
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Lap:
    """One measured stretch of work."""

    calls: int = 0
    cpu_s: float = 0.0
    """User and system time."""
    wall_s: float = 0.0

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds per call."""
        return 1000 * self.cpu_s / self.calls

    @property
    def rate(self) -> float:
        """Calls per second of wall time."""
        return self.calls / self.wall_s

    @property
    def per_core_second(self) -> float:
        """Calls per second of CPU."""
        return self.calls / self.cpu_s

    def __sub__(self, other: Lap) -> Lap:
        """What this lap had more than a smaller one: the cost of more calls, without start-up."""
        return Lap(self.calls - other.calls, self.cpu_s - other.cpu_s, self.wall_s - other.wall_s)


def cpu_s() -> float:
    """CPU seconds of this process so far, user and system, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@contextmanager
def measured(calls: int) -> Iterator[Lap]:
    """Yield a lap that is filled in when the block ends."""
    lap = Lap(calls)
    cpu, wall = cpu_s(), time.perf_counter()
    yield lap
    lap.cpu_s, lap.wall_s = cpu_s() - cpu, time.perf_counter() - wall
