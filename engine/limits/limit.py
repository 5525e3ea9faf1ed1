"""One endpoint's limit: how many calls may be under way there, found by trying.

It starts fast: one more call for every answer, which doubles the limit with each round trip, until
the first sign that it is too high. A sign is a refusal, a share of timeouts, or latency that has
risen above the unloaded one by more than chance explains. Each sign says where the capacity is:
after refusals it is what is still under way, and where calls queue it is Little's law, the answers
per second times the unloaded latency. The limit goes a little below it and comes back along a
cubic curve (RFC 9438, 4.2), flat where the capacity was found and steeper beyond; where it passes
that mark without a sign, the capacity has grown and the fast start begins again.

`docs/limits.md` has the sources, what was simulated, and why the numbers are as they are.
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import TYPE_CHECKING

from engine.limits.accidents import Accidents
from engine.limits.seen import LEAST_ROUND_S, Load, Unloaded, Window
from engine.limits.sight import Timing

if TYPE_CHECKING:
    from engine.limits.sight import Seen

FIRST_CALLS = 8
"""A role's first answers, from which its unloaded latency is taken at first: two round trips at
the first limit, because the first answers of all are the short ones."""
START = 4.0
"""Calls under way before anything is known."""
AFTER_REFUSAL = 0.9
AFTER_QUEUE = 0.9
"""Share of the capacity found that the limit goes back to. CUBIC's 0.7 (RFC 9438, 4.6) is for a
capacity that the sender does not know; here it is measured at the same time."""
AFTER_DEEP = 0.5
"""The same for every `DEEP_EVERY`-th cut for latency: half the load shows the unloaded latency
anew, as BBR's ProbeRTT does."""
DEEP_EVERY = 4
AFTER_DOUBT = 0.25
"""The same for the first cut after `VAIN_CUTS`."""
DEEP_ROUNDS = 80.0
"""Round trips after which it is done where no cut for latency was needed."""
DEEP = 0.7
"""Share of the capacity found under which a window says what the unloaded latency is."""
AFTER_TIMEOUTS = 0.7
TIMEOUT_SHARE = 0.1
"""Of the calls that ended; fewer are the endpoint's accidents, not its load."""
REFUSAL_ROUNDS = 8.0
QUEUE_ROUNDS = 5.0
"""Round trips after which the curve is back at the capacity found."""
STEEPNESS = 0.1
"""Of the curve beyond that: after twice those round trips the limit is this share above."""
PASSED = 1.1
"""Times the capacity found: beyond it, with no sign for a round trip, the fast start begins."""
QUEUE_PASSED = 1.2
TOLERANCE = 1.25
"""Latency over the unloaded one from which on calls queue."""
UNLOADED_BELOW = 1.1
"""Latency over the unloaded one up to which a window says more of the unloaded one itself."""
FLOOR_S = 0.03
"""Latencies below are not told apart: that is the machine's own noise, not an endpoint's queue."""
WINDOW_CALLS = 16
WINDOW_ROUNDS = 6.0
"""A window of latencies is closed after a round trip once it has enough calls to be told from
chance (more where they scatter more), and after so many round trips in any case."""
EARLY_CALLS = 8
EARLY_ERRORS = 2.5
"""Standard errors by which an unfinished window must be over `TOLERANCE` to count at once."""
SETTLED = 0.9
"""Share of the answers that must be to calls sent after the last cut, before latencies count: the
first to come back are the short ones."""
HASTE = 0.7
"""While the limit doubles with each round trip, short calls are more among the answers than among
the calls: by a weight of 2 to the power of -latency, which lowers the mean logarithm by ln 2 times
the variance."""
STEADY_ROUNDS = 2.0
"""Round trips after a cut or a fast start, before which a window does not lower the unloaded
latency: of calls that were sent close together the short ones come back first."""
LOW_WEIGHT = 0.3
"""Of a window at such a load, in the unloaded latency."""
LOW = 0.97
"""Share of the capacity found under which calls are held not to queue."""
BUSY = 0.25
"""Lag of a worker's event loop over the unloaded latency, from which on its latencies are not
looked at: as much as a queue would add before it counts as one. Less is taken off."""
BUSY_S = 0.25
"""For so long after such a report: calls that ended meanwhile may be in the next two."""
OWN_LEAST = 0.5
"""Share of a latency that is held to be the endpoint's, until the unloaded one is known."""
VAIN_CUTS = 3
"""Cuts in a row after which latency has not come down: it is not a queue, calls take longer."""


class Limit:
    """The controller. It reads no clock: `now` is monotonic seconds, and never goes back."""

    def __init__(self, ceiling: int, now: float) -> None:
        self.ceiling = ceiling
        self.cuts = 0
        """Counts the cuts, so that workers can tell calls sent before one from those after."""
        self.starting = True
        self._limit = min(START, ceiling)
        self._found = self._limit
        """Capacity at the last sign."""
        self._back = AFTER_REFUSAL
        self._queued = False
        """Whether the last sign was latency."""
        self._doubled, self._doubled_at = self._limit, now
        """The limit at the last round trip of the fast start, and when that began."""
        self._draining = False
        """Whether more calls are under way than the limit, since the last cut."""
        self._settling = False
        self._since_cut = [0, 0]
        """Answers to calls sent after the last cut, and before, in the latest stretch."""
        self._curve_s: float | None = None
        """Seconds on the curve; None until a call sent after the cut has come back."""
        self._marked_at: float | None = None
        """When the limit passed the mark beyond the capacity found."""
        self._moved_at = now
        """When the limit was last cut or doubling."""
        self._low_at = now
        """When the load was last so low that calls cannot have queued."""
        self._deep = 0
        self._vain = 0
        self._before_vain = 0.0
        self._doubted = False
        """Whether the unloaded latency was raised for want of another explanation."""
        self._unloaded: dict[str, Unloaded] = {}
        self._new: dict[str, Timing] = {}
        """Of roles whose unloaded latency is not known yet."""
        self._mix: dict[str, float] = {}
        """Recent calls by role."""
        self._variance = 0.05
        self._load = Load(now)
        self._busy_at: dict[int, float] = {}
        """When a worker's event loop was last that late."""
        self._in_flight = 0
        self._seen_at = now
        self._window = Window(now)
        self._ratio = 1.0
        self._refusals = Accidents(now)
        self._timeouts = Accidents(now)
        self._excused_from: float | None = None
        """Since when failures have been held to have nothing to do with load."""

    @property
    def value(self) -> int:
        """Calls that may be under way."""
        return max(1, min(self.ceiling, int(self._limit + 0.5)))

    @property
    def round_s(self) -> float:
        """Seconds of a round trip without a queue."""
        known = {role: n for role, n in self._mix.items() if role in self._unloaded}
        if not known:
            return LEAST_ROUND_S
        total = sum(self._unloaded[role].mean_s * n for role, n in known.items())
        return max(LEAST_ROUND_S, total / sum(known.values()))

    @property
    def unloaded_s(self) -> float | None:
        """Geometric mean of the unloaded latency of recent calls; None where it is unknown."""
        known = {role: n for role, n in self._mix.items() if role in self._unloaded}
        if not known:
            return None
        logs = sum(self._unloaded[role].log * n for role, n in known.items())
        return exp(logs / sum(known.values()))

    def restart(self, now: float) -> None:
        """Begin again from the bottom, as after a pause."""
        self.cuts += 1
        self.starting = True
        self._limit = min(START, self.ceiling)
        self._found = self._limit
        self._curve_s = None
        self._seen_at = now
        self._window = Window(now)

    def see(self, worker: int, seen: Seen, in_flight: int, now: float) -> None:
        """Take in what one worker saw since its last report.

        Args:
            worker: Its number.
            seen: Its report.
            in_flight: Calls under way by the last reports of all workers.
            now: Monotonic seconds.
        """
        self._in_flight = in_flight
        if self._draining and in_flight <= self._limit + 1:
            # Those sent so far met the queue of before: fresh is what is sent from now on.
            self._draining, self.cuts = False, self.cuts + 1
        self._gather(worker, seen, now)
        self._count_failures(seen, in_flight, now)
        if seen.refused_fresh and not self._is_accident(self._refusals, now):
            self._cut(min(self._limit, max(1, in_flight)), AFTER_REFUSAL, queued=False, now=now)
        elif self._timed_out() and not self._is_accident(self._timeouts, now):
            self._cut(self._limit, AFTER_TIMEOUTS, queued=False, now=now)
        else:
            self._look(now)
            self._grow(seen, in_flight, now)
        self._seen_at = now

    def _settle(self, seen: Seen, now: float) -> None:
        """Look whether nearly all that comes back was sent after the last cut."""
        counts = self._since_cut
        counts[0] += sum(timing.n for timing in seen.timings.values())
        counts[1] += sum(timing.n for timing in seen.stale.values())
        if counts[0] + counts[1] >= START:
            if counts[0] >= SETTLED * (counts[0] + counts[1]):
                self._settling = False
                self._window = Window(now)
            self._since_cut = [0, 0]

    def _gather(self, worker: int, seen: Seen, now: float) -> None:
        window = self._window
        window.pressed |= seen.pressed
        window.highest = max(window.highest, self._limit)
        window.ended += seen.answered + seen.failed
        window.timeouts += seen.timeouts_fresh
        work = 0.0
        for role, n in seen.answers.items():
            if role in self._unloaded:
                work += n * max(self._unloaded[role].mean_s, FLOOR_S)
            self._mix[role] = self._mix.get(role, 0.0) + n
        self._load.add(worker, work, seen.within_s, now, self.round_s)
        busy = self._is_busy(worker, seen, now)
        for role, timing in seen.timings.items():
            if busy and role in self._unloaded:
                continue
            served = self._served(role, timing, seen.lag_s)
            window.timings.setdefault(role, Timing()).add(served)
            self._meet(role, served)
        if self._settling and not self._draining:
            self._settle(seen, now)
        if not self._queued:  # where calls are refused, those sent before a cut met no queue
            for role, timing in seen.stale.items():
                self._meet(role, self._served(role, timing, seen.lag_s))

    def _is_busy(self, worker: int, seen: Seen, now: float) -> bool:
        """Whether its event loop is so late that latencies say more of it than of the endpoint."""
        unloaded_s = self.unloaded_s
        if unloaded_s is not None and seen.lag_s > BUSY * max(unloaded_s, FLOOR_S):
            self._busy_at[worker] = now
        return now - self._busy_at.get(worker, now - BUSY_S) < BUSY_S

    def _served(self, role: str, timing: Timing, lag_s: float) -> Timing:
        """Return what the endpoint took of a latency, without what our own event loop added."""
        unloaded = self._unloaded.get(role)
        return timing.without(lag_s, unloaded.mean_s if unloaded else OWN_LEAST * timing.mean_s)

    def _meet(self, role: str, timing: Timing) -> None:
        """Take the first latencies of a role for the unloaded ones."""
        if role in self._unloaded:
            return
        new = self._new.setdefault(role, Timing())
        new.add(timing)
        if new.n >= FIRST_CALLS:
            self._unloaded[role] = Unloaded(new.mean_log, new.mean_s, new.n)
            del self._new[role]

    def _timed_out(self) -> bool:
        window = self._window
        return window.timeouts > 1 and window.timeouts > TIMEOUT_SHARE * window.ended

    def _count_failures(self, seen: Seen, in_flight: int, now: float) -> None:
        load = self._limit if seen.pressed else min(self._limit, in_flight)
        ended = seen.answered + seen.refused_fresh + seen.timeouts_fresh
        self._refusals.add(load, ended, seen.refused_fresh, now, self.round_s)
        self._timeouts.add(load, ended, seen.timeouts_fresh, now, self.round_s)

    def _is_accident(self, failures: Accidents, now: float) -> bool:
        """Whether going back would not help: as many calls fail at a lower load.

        After `DEEP_ROUNDS` of that, going back once shows whether it is still so.
        """
        if not failures.explain(self._limit, self._in_flight):
            self._excused_from = None
            return False
        self._queued = True  # where refusals do not go by load, latency has to tell
        if self._excused_from is None:
            self._excused_from = now
        if now - self._excused_from < DEEP_ROUNDS * self.round_s:
            return True
        self._excused_from = None
        failures.forget()
        self._cut(self._limit, AFTER_DEEP, queued=True, now=now)
        return True

    # Latency.

    def _look(self, now: float) -> None:
        """Judge the window's latencies, if there are enough of them."""
        window, n = self._window, self._window.n
        age = now - window.began
        if not n or self._settling:
            return
        variance = window.scatter()
        if variance is not None and n >= EARLY_CALLS:
            self._variance += min(1.0, n / 64) * (variance - self._variance)
        rise = self._rise()
        if rise is None:
            return
        slack = log(TOLERANCE) + self._haste
        error = sqrt(max(self._variance, 0.0025) * (1 / n + 1 / self._weight()))
        early = n >= EARLY_CALLS and rise - EARLY_ERRORS * error > slack
        wanted = max(WINDOW_CALLS, int(self._variance / 0.004))
        full = age >= self.round_s and n >= wanted
        if not (early or full or (age >= WINDOW_ROUNDS * self.round_s and n >= START)):
            return
        self._ratio = exp(rise)
        if rise > slack + error:
            self._queue(now)
        else:
            self._vain = 0
            self._learn(rise, error, now)
            self._close(now)
            if self._queued and self._marked_at is not None and rise < log(UNLOADED_BELOW) + error:
                self._start(now)
            elif self._queued and now - self._low_at > DEEP_ROUNDS * self.round_s:
                self._low_at = now
                self._cut(self._limit, AFTER_DEEP, queued=True, now=now)

    @property
    def _haste(self) -> float:
        """By how much the mean logarithm of latency is too low now, see `HASTE`."""
        return HASTE * self._variance if self.starting else 0.0

    def _rise(self) -> float | None:
        """Return the mean logarithm of latency over the unloaded one; None where none is known."""
        n, total = 0, 0.0
        for role, timing in self._window.timings.items():
            unloaded = self._unloaded.get(role)
            if unloaded is not None and timing.n:
                n += timing.n
                total += timing.log - timing.n * max(unloaded.log, log(FLOOR_S))
        return total / n if n else None

    def _weight(self) -> int:
        """Return over how many calls the window's unloaded latencies are known."""
        known = [self._unloaded[role].n for role in self._window.timings if role in self._unloaded]
        return max(1, sum(known))

    def _learn(self, rise: float, error: float, now: float) -> None:
        """Keep the unloaded latency true: lower at once where it is, higher by and by.

        An endpoint that refuses what is too much has no queue to speak of, whatever its latency.
        """
        haste = self._haste
        rise += haste
        load = 1.0 if self.starting else self._window.highest / self._found
        if load <= LOW:
            self._low_at = now
        refusing = not self.starting and not self._queued
        steady_at = self._moved_at + STEADY_ROUNDS * self.round_s
        if rise < 0 and self._window.began < steady_at:
            return
        bound = error + (log(UNLOADED_BELOW) if load <= LOW else 0.0)
        if rise > bound and load > DEEP and not refusing:
            return
        sunk = rise < -3 * error and rise < -log(UNLOADED_BELOW)
        for role, timing in self._window.timings.items():
            unloaded = self._unloaded.get(role)
            if unloaded is None or not timing.n:
                continue
            weight = timing.n / (unloaded.n + timing.n)
            if load <= LOW:
                weight = max(weight, LOW_WEIGHT)
            unloaded.learn(timing, 1.0 if sunk else weight, haste)

    def _queue(self, now: float) -> None:
        """Calls queue: go back to what is answered."""
        capacity = min(self._load.value(now, self.round_s), max(1, self._in_flight))
        self._vain += 1
        if self._vain == 1:
            self._before_vain = self._limit
        if self._vain > VAIN_CUTS:
            self._admit(now)
            return
        self._deep += 1
        back = AFTER_DEEP if self._deep % DEEP_EVERY == 0 else AFTER_QUEUE
        if self._doubted:
            self._doubted, back = False, AFTER_DOUBT
        self._cut(min(self._limit, max(1.0, capacity)), back, queued=True, now=now)

    def _admit(self, now: float) -> None:
        """Fewer calls were not faster: this is how long they take now."""
        for role, timing in self._window.timings.items():
            if timing.n and role in self._unloaded:
                self._unloaded[role].learn(timing, 1.0)
        self._vain, self._doubted = 0, True
        self._found, self._back, self._queued = self._before_vain, 0.5, True
        self._curve_s = 0.0
        self._close(now)

    def _close(self, now: float) -> None:
        """Begin a new window."""
        self._mix = {role: n / 2 for role, n in self._mix.items()}
        self._window = Window(now)

    # The limit.

    def _cut(self, found: float, back: float, *, queued: bool, now: float) -> None:
        self.cuts += 1
        self.starting = False
        self._queued = queued
        self._found, self._back = found, back
        self._limit = max(1.0, found * back)
        self._curve_s = None
        self._moved_at = now
        self._marked_at = None
        self._draining = self._settling = True
        self._since_cut = [0, 0]
        self._window = Window(now)

    def _grow(self, seen: Seen, in_flight: int, now: float) -> None:
        """Raise the limit where it is used up; what is not needed is not asked for."""
        fresh = sum(timing.n for timing in seen.timings.values())
        if self._curve_s is None:
            if not (fresh or self.starting):
                return  # what was sent before the cut is still coming back
            self._curve_s = 0.0
        if not seen.pressed or self._limit >= self.ceiling:
            return
        if self.starting:
            self._double(fresh, in_flight, now)
            return
        self._curve_s += now - self._seen_at
        rounds = QUEUE_ROUNDS if self._queued else REFUSAL_ROUNDS
        way = self._curve_s / (rounds * self.round_s) - 1
        depth = 1 - self._back if way < 0 else STEEPNESS
        curve = self._found * (1 + depth * way**3)
        self._limit = min(self.ceiling, max(self._limit, curve))
        self._pass(now)

    def _double(self, fresh: int, in_flight: int, now: float) -> None:
        """Add a call for each answer, but no more than double what is used in a round trip."""
        if not self._unloaded:
            return
        self._moved_at = now
        if now - self._doubled_at >= self.round_s:
            self._doubled_at, self._doubled = now, self._limit
        most = 2 * min(self._doubled, in_flight + START)
        self._limit = max(self._limit, min(self.ceiling, most, self._limit + fresh))

    def _pass(self, now: float) -> None:
        """Start fast again where the capacity must have grown.

        Beyond the mark there would have been refusals; where calls queue, the limit waits at the
        mark for a window of latencies that says so.
        """
        mark = (QUEUE_PASSED if self._queued else PASSED) * self._found + 1
        if self._limit < mark:
            return
        if self._queued:
            self._limit = mark
        if self._marked_at is None:
            self._marked_at, self._window = now, Window(now)
        elif not self._queued and now - self._marked_at > self.round_s:
            self._start(now)

    def _start(self, now: float) -> None:
        self.starting, self._marked_at = True, None
        self._doubled, self._doubled_at = self._limit, now
