"""How long a run has been going on: over all of its rounds, of casting and of playing."""

from __future__ import annotations

import time


class RunClock:
    """Counts from when it is first looked at: starting Ray is no part of a run's deadline."""

    def __init__(self) -> None:
        self._began: float | None = None

    @property
    def passed_s(self) -> float:
        """Seconds since it was first looked at, by the monotonic clock."""
        now = time.monotonic()
        if self._began is None:
            self._began = now
        return now - self._began
