"""A circuit breaker: an endpoint that only fails is left alone, and tried with one call at a time.

After Nygard, "Release It!" (2007), ch. 5. Failures count while no answer comes between them, and
only when they outnumber the calls still under way: where some calls fail at once and others take
long, the failures come first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.endpointstate import PauseState

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
        self._opened_at: float | None = None
        self._probe_at = 0.0
        self._pause_s = FIRST_PAUSE_S
        self.prober: int | None = None
        """The worker that sends the probe."""

    @property
    def is_open(self) -> bool:
        """Whether no call may go but a probe."""
        return self._opened_at is not None

    def see(self, worker: int, seen: Seen, in_flight: int, now: float) -> bool:
        """Take in what a worker saw; return whether the endpoint has just come back."""
        if seen.answered:
            was_open = self.is_open
            self._row, self._opened_at, self.prober = seen.trailing, None, None
            self._pause_s = FIRST_PAUSE_S
            self._errors = dict(seen.errors) if seen.trailing else {}
            return was_open
        self._row += seen.failed
        for kind, n in seen.errors.items():
            self._errors[kind] = self._errors.get(kind, 0) + n
        self._said = seen.last_error or self._said
        if self.is_open:
            if seen.failed and worker == self.prober:
                self._again(seen.retry_after_s, now)
        elif seen.failed and self._row >= max(FAILURES, in_flight):
            self._opened_at = now
            self._wait(seen.retry_after_s, now)
        return False

    def _again(self, asked_s: float, now: float) -> None:
        """The probe has failed: wait twice as long."""
        self._pause_s = min(LONGEST_PAUSE_S, 2 * self._pause_s)
        self._wait(asked_s, now)

    def _wait(self, asked_s: float, now: float) -> None:
        self.prober = None
        self._probe_at = now + max(self._pause_s, asked_s)

    def may_probe(self, worker: int, now: float) -> bool:
        """Whether `worker`, which has a call to send, is the one to try; it is from then on."""
        if self.prober is None and now >= self._probe_at:
            self.prober = worker
        return self.prober == worker

    def forget(self, worker: int) -> None:
        """A worker has died: another sends the probe."""
        if self.prober == worker:
            self.prober = None

    def state(self, now: float) -> PauseState | None:
        """Say why nothing is sent, or None where calls may go."""
        if self._opened_at is None:
            return None
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(self._errors.items()))
        said = f"; the last said: {self._said}" if self._said else ""
        return PauseState(
            why=f"no answer came back and {self._row} calls failed ({kinds}){said}",
            since_s=now - self._opened_at,
            probe_in_s=max(0.0, self._probe_at - now),
        )
