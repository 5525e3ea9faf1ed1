"""How long an endpoint is left alone at its own word."""

from __future__ import annotations

from engine.limits.closing import LONGEST_S


class Hold:
    """What it asked for, of all workers' calls, and what is kept; `now` is monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._closed_until = now
        self._asked_until = now

    def ask(self, seconds: float, now: float) -> None:
        """It asks to be left alone for `seconds`; up to `LONGEST_S` it is."""
        if not self.closed_s(now):
            self._asked_until = now
        self._asked_until = max(self._asked_until, now + seconds)
        self._closed_until = max(self._closed_until, now + min(seconds, LONGEST_S))

    def closed_s(self, now: float) -> float:
        """Return the seconds until calls may be sent; 0 where they may."""
        return max(0.0, self._closed_until - now)

    def asked_s(self, now: float) -> float:
        """Return the seconds that it asks for, be they kept or not; 0 where calls may be sent."""
        return max(0.0, self._asked_until - now) if self.closed_s(now) else 0.0
