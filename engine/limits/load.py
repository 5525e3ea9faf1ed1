"""How many calls an endpoint works on at once, as its answers show it."""

from __future__ import annotations

from engine.limits.unloaded import LEAST_ROUND_S

STRETCH = 0.75
"""Share of a round trip from which on the latest stretch counts."""


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
