"""What a worker's calls show of an endpoint, gathered from one report to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.call import Outcome
from domain.gate import is_refusal
from engine.limits.sight import Seen, Timing

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.call import CallResult, Role
    from engine.limits.sight import Bounds


class Observer:
    """Watches the calls that come out of one gate.

    Args:
        bounds: What the run file allows there.
        clock: Monotonic seconds.
    """

    def __init__(self, bounds: Bounds, clock: Callable[[], float]) -> None:
        self.seen = Seen(bounds)
        """The report as it stands; the gate, which knows the line, writes its demand."""
        self.row = 0
        """Failures since the last answer."""
        self.row_of: set[str] = set()
        """Whose they are: up to two sessions."""
        self._clock = clock
        self._fresh_from = 0.0
        """When the limit was last cut; 0 where it never was."""
        self._reported_at = clock()

    def answered(self, role: Role, latency_ms: float) -> None:
        """Count a model's answer."""
        seen = self.seen
        self.row = seen.trailing = 0
        self.row_of.clear()
        seen.answers[role] = seen.answers.get(role, 0) + 1
        timings = seen.timings
        if self._fresh_from and self._clock() - latency_ms / 1000 < self._fresh_from:
            timings = seen.stale
        timing = timings.get(role)
        if timing is None:
            timing = timings[role] = Timing()
        timing.count(latency_ms)

    def came_back(self) -> None:
        """Count a reply that is no model's answer: the endpoint is there, and that is all."""
        self.row = self.seen.trailing = 0
        self.row_of.clear()
        self.seen.others += 1

    def failed(self, session: str, result: CallResult) -> None:
        """Count a call of `session` without an answer."""
        seen = self.seen
        self.row += 1
        if len(self.row_of) < 2:
            self.row_of.add(session)
        seen.failed += 1
        seen.trailing += 1
        fresh = self._clock() - result.latency_ms / 1000 >= self._fresh_from
        if result.outcome is Outcome.TIMEOUT:
            seen.timeouts += 1
            seen.timeouts_fresh += fresh
        seen.errors[result.outcome] = seen.errors.get(result.outcome, 0) + 1
        seen.last_error = result.detail
        if is_refusal(result):
            seen.refused += 1
            seen.refused_fresh += fresh

    def cut(self) -> None:
        """The limit was cut: fresh is what is sent from now on."""
        self._fresh_from = self._clock()

    def report(self, bounds: Bounds, active: int, waiting: int, lag_s: float) -> Seen:
        """Return what was seen since the last report, and begin the next.

        Args:
            bounds: What the run file allows by now.
            active: Calls under way.
            waiting: Calls that wait for a place.
            lag_s: How late the event loop was meanwhile.
        """
        seen, now = self.seen, self._clock()
        seen.bounds = bounds
        seen.lag_s = lag_s
        seen.within_s, self._reported_at = now - self._reported_at, now
        seen.in_flight, seen.waiting = active, waiting
        self.seen = Seen(bounds, demand=active + waiting)
        return seen
