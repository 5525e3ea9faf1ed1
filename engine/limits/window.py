"""The answers of a stretch of time that is long enough to be judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.limits.sight import Timing


@dataclass(slots=True)
class Window:
    """What came back since `began`."""

    began: float
    timings: dict[str, Timing] = field(default_factory=dict)
    """Of fresh calls."""
    ended: int = 0
    timeouts: int = 0
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
