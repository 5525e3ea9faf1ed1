"""A circuit breaker: an endpoint that only fails is left alone, and tried with one call at a time.

After Nygard, "Release It!" (2007), ch. 5. Failures count while no answer comes between them, and
only when they outnumber the calls still under way: where some calls fail at once and others take
long, the failures come first.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from engine.limits.silence import is_tried

if TYPE_CHECKING:
    from engine.limits.sight import Seen

FAILURES = 5
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0


class Breaker:
    """Closed while calls may go; open, then probing, once they may not."""

    def __init__(self) -> None:
        self._row = 0
        self._errors: dict[str, int] = {}
        self._said = ""
        self.is_open = False
        """Whether no call may go but a probe."""
        self._probe_at = 0.0
        self._pause_s = FIRST_PAUSE_S
        self.prober: int | None = None
        """The worker that sends the probe."""
        self._sent_at = 0.0
        """When it was told to."""
        self.tried_at = -inf
        """The same of the last probe that failed. One that hangs says nothing of what the endpoint
        does by the time it is given up."""

    def see(self, worker: int, seen: Seen, in_flight: int, now: float) -> bool:
        """Take in what a worker saw; return whether the endpoint has just come back."""
        if seen.answered:
            was_open = self.is_open
            self._row, self.is_open, self.prober = seen.trailing, False, None
            self._pause_s = FIRST_PAUSE_S
            self._errors = dict(seen.errors) if seen.trailing else {}
            return was_open
        self._row += seen.failed
        for kind, n in seen.errors.items():
            self._errors[kind] = self._errors.get(kind, 0) + n
        self._said = seen.last_error or self._said
        if self.is_open:
            if seen.failed and worker == self.prober:
                self.tried_at = self._sent_at
                self._pause_s = min(LONGEST_PAUSE_S, 2 * self._pause_s)
                self._wait(now)
        elif seen.failed and self._row >= max(FAILURES, in_flight):
            self.is_open = True
            self._wait(now)
        return False

    def _wait(self, now: float) -> None:
        self.prober = None
        self._probe_at = now + self._pause_s

    def may_probe(self, worker: int, now: float, overdue_s: float | None = None) -> bool:
        """Whether `worker`, which has a call to send, is the one to try; it is from then on.

        One whose calls have waited for a last try for `overdue_s` does not wait until the pause is
        over, but for a try that has failed since, which it may not have heard of yet.
        """
        overdue = overdue_s is not None and not is_tried(self.tried_at, now - overdue_s)
        if self.prober is None and (overdue or now >= self._probe_at):
            self.prober, self._sent_at = worker, now
        return self.prober == worker

    def forget(self, worker: int) -> None:
        """A worker has died, or has nothing to send any more: another sends the probe."""
        if self.prober == worker:
            self.prober = None

    @property
    def why(self) -> str:
        """Why nothing is sent while it is open."""
        kinds = ", ".join(sorted(self._errors))  # counted since before the last answer: no numbers
        said = f"; the last said: {self._said}" if self._said else ""
        return f"no answer came back and {self._row} calls in a row failed ({kinds}){said}"

    def probe_in_s(self, now: float) -> float:
        """Seconds until a probe may be sent."""
        return max(0.0, self._probe_at - now)
