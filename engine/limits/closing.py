"""How long an endpoint is to be left alone: what refused calls were told, and what is ordered.

An order answers a report. What a call was told after that report is not in the order yet, so it
stands beside it until the next one.
"""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_S = 3600.0
"""Of a Retry-After, as far as it is kept: an endpoint that asks for more is tried once an hour, so
that a wrong number, or a quota that somebody raises, does not cost a day."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What refused calls were told, in monotonic seconds."""

    until: float = 0.0
    closed_until: float = 0.0
    """The same as far as it is kept."""

    def most(self, other: _Asked) -> _Asked:
        """Return the longer of both."""
        return _Asked(max(self.until, other.until), max(self.closed_until, other.closed_until))


class Closing:
    """Keeps one worker's gate closed; `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._ordered_until = 0.0
        self._fresh = _Asked()
        """Since the last report."""
        self._told = _Asked()
        """In reports that no order has answered yet."""

    @property
    def until(self) -> float:
        """When calls may be sent again; in the past where they may."""
        return max(self._ordered_until, self._fresh.closed_until, self._told.closed_until)

    def ask(self, seconds: float, now: float) -> None:
        """A refused call was told to come back in `seconds`."""
        self._fresh = self._fresh.most(_Asked(now + seconds, now + min(seconds, LONGEST_S)))

    def report(self, now: float) -> float:
        """Return the longest pause that was asked for and not answered yet, in seconds from now."""
        self._told, self._fresh = self._told.most(self._fresh), _Asked()
        return max(0.0, self._told.until - now)

    def obey(self, closed_s: float, now: float) -> None:
        """Do as the answer to the last report says."""
        self._ordered_until = now + closed_s if closed_s > 0 else 0.0
        self._told = _Asked()
