"""Whether calls queue at an endpoint, as their latency tells.

Calls queue where latency has risen above the unloaded one by more than chance explains. What came
back is judged a window at a time; a window that shows no queue says more of the unloaded latency
itself, the more so the lower the load was.
"""

from __future__ import annotations

from math import log, sqrt
from typing import TYPE_CHECKING

from engine.limits.judgement import UNLOADED_BELOW, Judgement
from engine.limits.load import Load
from engine.limits.sight import Timing
from engine.limits.unloaded import FLOOR_S, UnloadedByRole
from engine.limits.window import Window

if TYPE_CHECKING:
    from engine.limits.sight import Seen

TIMEOUT_SHARE = 0.1
"""Of the calls that ended; fewer are the endpoint's accidents, not its load."""
WINDOW_CALLS = 16
WINDOW_ROUNDS = 6.0
"""A window of latencies is closed after a round trip once it has enough calls to be told from
chance (more where they scatter more), and after so many round trips in any case."""
WINDOW_LEAST = 4
"""Calls without which it is not closed even then."""
WINDOW_VARIANCE = 0.004
"""Of a window's mean logarithm: enough calls are those that make it so small."""
EARLY_CALLS = 8
EARLY_ERRORS = 2.5
"""Standard errors by which an unfinished window must be over what is tolerated to count at once."""
FIRST_VARIANCE = 0.05
"""Of the logarithms of a role's latencies, before any was measured."""
LEAST_VARIANCE = 0.0025
"""What it counts as at least, so that a few equal latencies do not pass for certainty."""
VARIANCE_CALLS = 64
"""Calls of a window that say all there is to say of it."""
SETTLED = 0.9
"""Share of the answers that must be to calls sent after the last cut, before latencies count: the
first to come back are the short ones."""
SETTLED_CALLS = 4
"""Answers over which that share is taken."""
HASTE = 0.7
"""While the limit doubles with each round trip, short calls are more among the answers than among
the calls: by a weight of 2 to the power of -latency, which lowers the mean logarithm by ln 2 times
the variance."""
LOW = 0.97
"""Share of the capacity found under which calls are held not to queue."""
LOW_WEIGHT = 0.3
"""Of a window at such a load, in the unloaded latency."""
DEEP = 0.7
"""Share of the capacity found under which a window says what the unloaded latency is."""
BUSY = 0.25
"""Lag of a worker's event loop over the unloaded latency, from which on its latencies are not
looked at: as much as a queue would add before it counts as one. Less is taken off."""
BUSY_S = 0.25
"""For so long after such a report: calls that ended meanwhile may be in the next two."""


class Latency:
    """What comes back from one endpoint. It reads no clock: `now` is monotonic seconds."""

    def __init__(self, now: float) -> None:
        self.unloaded = UnloadedByRole()
        self._window = Window(now)
        self._variance = FIRST_VARIANCE
        self._load = Load(now)
        self._busy_at: dict[int, float] = {}
        """When a worker's event loop was last that late."""
        self._settling = False
        """Whether much of what comes back was sent before the last cut."""
        self._since_cut = [0, 0]
        """Answers to calls sent after the last cut, and before, in the latest stretch."""

    @property
    def highest(self) -> float:
        """The limit during this window, at most."""
        return self._window.highest

    @property
    def began(self) -> float:
        """When this window did."""
        return self._window.began

    @property
    def timed_out(self) -> bool:
        """Whether so many calls of this window met their timeout that it must be for the load."""
        window = self._window
        return window.timeouts > 1 and window.timeouts > TIMEOUT_SHARE * window.ended

    def capacity(self, now: float) -> float:
        """Return the calls under way that the answers need, by Little's law.

        That is the answers per second times the unloaded latency; what queues is not in it.
        """
        return self._load.value(now, self.unloaded.round_s)

    def see(
        self, worker: int, seen: Seen, limit: float, now: float, *, draining: bool, stale: bool
    ) -> None:
        """Take in what one worker saw since its last report.

        Args:
            worker: Its number.
            seen: Its report.
            limit: Calls that may be under way.
            now: Monotonic seconds.
            draining: Whether more than that still are, since the last cut.
            stale: Whether answers to calls sent before a cut say what a new role's unloaded
                latency is: they do where no call queued.
        """
        window = self._window
        window.highest = max(window.highest, limit)
        window.ended += seen.answered + seen.failed
        window.timeouts += seen.timeouts_fresh
        work = self.unloaded.count(seen.answers)
        self._load.add(worker, work, seen.within_s, now, self.unloaded.round_s)
        busy = self._is_busy(worker, seen, now)
        for role, timing in seen.timings.items():
            if busy and role in self.unloaded:
                continue
            served = self.unloaded.served(role, timing, seen.lag_s)
            window.timings.setdefault(role, Timing()).add(served)
            self.unloaded.meet(role, served)
        if self._settling and not draining:
            self._settle(seen, now)
        if stale:
            for role, timing in seen.stale.items():
                self.unloaded.meet(role, self.unloaded.served(role, timing, seen.lag_s))

    def _is_busy(self, worker: int, seen: Seen, now: float) -> bool:
        """Whether its event loop is so late that latencies say more of it than of the endpoint."""
        unloaded_s = self.unloaded.typical_s
        if unloaded_s is not None and seen.lag_s > BUSY * max(unloaded_s, FLOOR_S):
            self._busy_at[worker] = now
        return now - self._busy_at.get(worker, now - BUSY_S) < BUSY_S

    def _settle(self, seen: Seen, now: float) -> None:
        """Look whether nearly all that comes back was sent after the last cut."""
        counts = self._since_cut
        counts[0] += sum(timing.n for timing in seen.timings.values())
        counts[1] += sum(timing.n for timing in seen.stale.values())
        if counts[0] + counts[1] >= SETTLED_CALLS:
            if counts[0] >= SETTLED * (counts[0] + counts[1]):
                self._settling = False
                self.begin(now)
            self._since_cut = [0, 0]

    def judge(self, now: float, *, doubling: bool) -> Judgement | None:
        """Return what the window says, or None while it has too little to say.

        Args:
            now: Monotonic seconds.
            doubling: Whether the limit doubles with each round trip.
        """
        window, n = self._window, self._window.n
        if not n or self._settling:
            return None
        variance = window.scatter()
        if variance is not None and n >= EARLY_CALLS:
            self._variance += min(1.0, n / VARIANCE_CALLS) * (variance - self._variance)
        rise = self.unloaded.rise(window.timings)
        if rise is None:
            return None
        known = self.unloaded.calls(window.timings)
        error = sqrt(max(self._variance, LEAST_VARIANCE) * (1 / n + 1 / known))
        judgement = Judgement(rise, error, HASTE * self._variance if doubling else 0.0)
        early = n >= EARLY_CALLS and rise - EARLY_ERRORS * error > judgement.slack
        return judgement if early or self._is_full(n, now - window.began) else None

    def _is_full(self, n: int, age: float) -> bool:
        round_s = self.unloaded.round_s
        wanted = max(WINDOW_CALLS, int(self._variance / WINDOW_VARIANCE))
        if age >= round_s and n >= wanted:
            return True
        return age >= WINDOW_ROUNDS * round_s and n >= WINDOW_LEAST

    def learn(self, judgement: Judgement, load: float, *, steady: bool, queues: bool) -> None:
        """Keep the unloaded latency true: lower at once where it is, higher by and by.

        Args:
            judgement: What the window says; it must show no queue.
            load: The limit during the window over the capacity found.
            steady: Whether the window's calls were not sent close together. Of those that were,
                the short ones come back first, so they say nothing of a lower latency.
            queues: Whether the endpoint lets calls queue. One that refuses what is too much has no
                queue to speak of, whatever its latency.
        """
        rise, error = judgement.rise + judgement.haste, judgement.error
        if rise < 0 and not steady:
            return
        bound = error + (log(UNLOADED_BELOW) if load <= LOW else 0.0)
        if rise > bound and load > DEEP and queues:
            return
        sunk = rise < -3 * error and rise < -log(UNLOADED_BELOW)
        least = LOW_WEIGHT if load <= LOW else 0.0
        self.unloaded.learn(self._window.timings, 1.0 if sunk else least, judgement.haste)

    def admit(self, now: float) -> None:
        """Take the window's latencies for the unloaded ones, and begin a new window."""
        self.unloaded.learn(self._window.timings, 1.0)
        self.close(now)

    def close(self, now: float) -> None:
        """Begin a new window after one that was judged."""
        self.unloaded.fade()
        self.begin(now)

    def begin(self, now: float) -> None:
        """Begin a new window."""
        self._window = Window(now)

    def cut(self, now: float) -> None:
        """The limit was cut: latencies count again once what was sent before has come back."""
        self._settling = True
        self._since_cut = [0, 0]
        self.begin(now)
