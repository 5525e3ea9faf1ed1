"""How a limit grows: doubling until the first sign, then back along a cubic curve.

The fast start adds one call for every answer, which doubles the limit with each round trip, as
TCP's slow start does. After a cut the limit returns along a cubic curve (RFC 9438, 4.2), flat where
the capacity was found and steeper beyond; where it passes that mark without a sign, the capacity
has grown and the fast start begins again.
"""

from __future__ import annotations

START = 4.0
"""Calls under way before anything is known."""
AFTER_REFUSAL = 0.9
"""Share of the capacity found that the limit goes back to. CUBIC's 0.7 (RFC 9438, 4.6) is for a
capacity that the sender does not know; here it is measured at the same time."""
REFUSAL_ROUNDS = 8.0
QUEUE_ROUNDS = 5.0
"""Round trips after which the curve is back at the capacity found."""
STEEPNESS = 0.1
"""Of the curve beyond that: after twice those round trips the limit is this share above."""
PASSED = 1.1
"""Times the capacity found: beyond it, with no sign for a round trip, the fast start begins."""
QUEUE_PASSED = 1.2


class Growth:
    """A limit between cuts. It reads no clock: `now` is monotonic seconds, and never goes back."""

    def __init__(self, ceiling: int, now: float) -> None:
        self.limit = min(START, ceiling)
        self.found = self.limit
        """Capacity at the last sign."""
        self.starting = True
        self.queues = False
        """Whether the last sign was latency."""
        self.moved_at = now
        """When the limit was last cut or doubling."""
        self._back = AFTER_REFUSAL
        self._doubled, self._doubled_at = self.limit, now
        """The limit at the last round trip of the fast start, and when that began."""
        self._curve_s: float | None = None
        """Seconds on the curve; None until a call sent after the cut has come back."""
        self._marked_at: float | None = None
        """When the limit passed the mark beyond the capacity found."""

    @property
    def is_marked(self) -> bool:
        """Whether the limit has passed the mark beyond the capacity found."""
        return self._marked_at is not None

    def restart(self, ceiling: int) -> None:
        """Begin again from the bottom."""
        self.starting = True
        self.limit = min(START, ceiling)
        self.found = self.limit
        self._curve_s = None

    def cut(self, found: float, back: float, *, queued: bool, now: float) -> None:
        """Go back.

        Args:
            found: The capacity, in calls under way.
            back: Share of it that is the limit now.
            queued: Whether latency was the sign.
            now: Monotonic seconds.
        """
        self.starting = False
        self.queues = queued
        self.found, self._back = found, back
        self.limit = max(1.0, found * back)
        self._curve_s = None
        self.moved_at = now
        self._marked_at = None

    def return_to(self, found: float, back: float) -> None:
        """Stay, and take the curve that comes from `back` of `found` from its beginning."""
        self.found, self._back, self.queues = found, back, True
        self._curve_s = 0.0

    def goes_on(self, fresh: int) -> bool:
        """Whether calls sent after the last cut have come back, of which there are `fresh` now."""
        if self._curve_s is None:
            if not (fresh or self.starting):
                return False
            self._curve_s = 0.0
        return True

    def double(self, fresh: int, in_flight: int, ceiling: int, round_s: float, now: float) -> None:
        """Add a call for each answer, but no more than double what is used in a round trip."""
        self.moved_at = now
        if now - self._doubled_at >= round_s:
            self._doubled_at, self._doubled = now, self.limit
        most = 2 * min(self._doubled, in_flight + START)
        self.limit = max(self.limit, min(ceiling, most, self.limit + fresh))

    def climb(self, passed_s: float, ceiling: int, round_s: float, now: float) -> bool:
        """Go on along the curve for `passed_s`; return whether the limit now passes the mark.

        Beyond it there would have been refusals, and the fast start begins after a round trip;
        where calls queue, the limit waits there for a window of latencies that says so.
        """
        self._curve_s = (self._curve_s or 0.0) + passed_s
        rounds = QUEUE_ROUNDS if self.queues else REFUSAL_ROUNDS
        way = self._curve_s / (rounds * round_s) - 1
        depth = 1 - self._back if way < 0 else STEEPNESS
        curve = self.found * (1 + depth * way**3)
        self.limit = min(ceiling, max(self.limit, curve))
        mark = (QUEUE_PASSED if self.queues else PASSED) * self.found + 1
        if self.limit < mark:
            return False
        if self.queues:
            self.limit = mark
        if self._marked_at is None:
            self._marked_at = now
            return True
        if not self.queues and now - self._marked_at > round_s:
            self.start(now)
        return False

    def start(self, now: float) -> None:
        """Start fast again: the capacity must have grown."""
        self.starting, self._marked_at = True, None
        self._doubled, self._doubled_at = self.limit, now
