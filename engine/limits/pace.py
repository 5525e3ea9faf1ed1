"""How fast calls may follow one another: a rate, kept evenly, with a small burst."""

from __future__ import annotations

from engine.limits.sight import BURST_S


class Pace:
    """The generic cell rate algorithm (ITU-T I.371, Annex A), in monotonic seconds.

    `amount` is whatever the rate counts: calls, or tokens. An amount that is larger than the burst
    is let through when everything before it has been worked off, and is worked off afterwards.
    """

    def __init__(self, per_s: float, now: float) -> None:
        self._per_s = per_s
        self._due = now
        """When everything taken so far is worked off."""

    def set(self, per_s: float, now: float) -> None:
        """Change the rate; what is still to be worked off takes as much longer or shorter."""
        if per_s != self._per_s:
            ahead = self._due - now
            if ahead > 0 and per_s > 0:
                self._due = now + ahead * self._per_s / per_s
            self._per_s = per_s

    def wait(self, now: float) -> float:
        """Return the seconds until something may be taken; infinite at a rate of 0."""
        return self._due - now if self._per_s > 0 else float("inf")

    def take(self, amount: float, now: float) -> None:
        """Take `amount`; a negative one gives back what was taken and not used."""
        if self._per_s <= 0:
            return
        earliest = now - max(0.0, BURST_S - 1 / self._per_s)
        self._due = max(self._due, earliest) + amount / self._per_s
