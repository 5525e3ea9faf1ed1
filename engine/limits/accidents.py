"""Failures that have nothing to do with load: how often calls fail, by how many are under way.

An endpoint that is asked too much fails less often where it is asked less. One that drops a call
now and then does so at any load, and fewer calls would only take longer. So failures at the load of
now are compared with those at less than half of it.
"""

from __future__ import annotations

from math import sqrt

MEMORY_CALLS = 1024.0
"""Calls at about the same load, over which the share of failures is remembered."""
LEAST = 3.0
"""Failures at a lower load, below which they are held to go by load."""
MOST = 0.5
"""Share of failures at a lower load, above which the endpoint is held to be failing: the caller
goes back as far as it can, and a circuit breaker does the rest."""
ERRORS = 3.0
"""Standard errors (Poisson) by which failures must be more than at a lower load to go by it."""


class Accidents:
    """The share of calls that fail, by load in powers of two."""

    def __init__(self, now: float) -> None:
        self._levels: dict[int, tuple[float, float]] = {}
        """Calls that ended, and failures among them, by the bits of the load."""
        self._began = now
        self._stretch = self._before = (0, 0)
        """The same of this round trip, and of the last."""

    def add(self, load: float, ended: int, failed: int, now: float, round_s: float) -> None:
        """Count calls that were sent at about `load` under way.

        Args:
            load: Calls under way.
            ended: Calls that were answered or failed.
            failed: Failures among them.
            now: Monotonic seconds.
            round_s: Seconds of a round trip.
        """
        if now - self._began >= round_s:
            self._before, self._stretch, self._began = self._stretch, (0, 0), now
        self._stretch = self._stretch[0] + ended, self._stretch[1] + failed
        level = _level(load)
        calls, failures = self._levels.get(level, (0.0, 0.0))
        kept = min(1.0, MEMORY_CALLS / (calls + ended)) if ended else 1.0
        self._levels[level] = (calls + ended) * kept, (failures + failed) * kept

    def explain(self, load: float, in_flight: int) -> bool:
        """Return whether as many calls would fail at a lower load, as far as can be told.

        Failures come back before answers do, so calls under way count among those that did not
        fail. Nothing is below a single call: it is held against itself.
        """
        level = max(2, _level(load))
        below = [kept for at, kept in self._levels.items() if at < level]
        calls, failures = (sum(part) for part in zip(*below, strict=True)) if below else (0, 0)
        if failures < LEAST or failures > MOST * calls:
            return False
        ended, failed = (a + b for a, b in zip(self._stretch, self._before, strict=True))
        expected = (ended + in_flight) * failures / calls
        return failed <= expected + ERRORS * sqrt(expected)

    def clear(self) -> None:
        """Forget all: the capacity has changed, and what failed below it may have been too much."""
        self._stretch = self._before = (0, 0)
        self._levels.clear()

    def forget(self) -> None:
        """Keep no more than what gives the benefit of the doubt: what comes next decides."""
        self._stretch = self._before = (0, 0)
        for level, (calls, failures) in self._levels.items():
            kept = min(1.0, 2 * LEAST / failures) if failures else 0.0
            self._levels[level] = calls * kept, failures * kept


def _level(load: float) -> int:
    return max(1, int(load)).bit_length()
