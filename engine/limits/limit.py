"""One endpoint's limit: how many calls may be under way there, found by trying.

It starts fast, until the first sign that it is too high. A sign is a refusal, a share of timeouts,
or calls that queue. Each sign says where the capacity is: after refusals it is what is still under
way, and where calls queue it is Little's law, the answers per second times the unloaded latency.
The limit goes a little below it and grows back from there.

`docs/limits.md` has the sources, what was simulated, and why the numbers are as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.limits.accidents import Accidents
from engine.limits.growth import AFTER_REFUSAL, Growth
from engine.limits.latency import LOW, Latency

if TYPE_CHECKING:
    from engine.limits.judgement import Judgement
    from engine.limits.sight import Seen

AFTER_TIMEOUTS = 0.7
AFTER_QUEUE = 0.9
"""Share of the capacity found that the limit goes back to, as `AFTER_REFUSAL`."""
AFTER_DEEP = 0.5
"""The same for every `DEEP_EVERY`-th cut for latency: half the load shows the unloaded latency
anew, as BBR's ProbeRTT does."""
DEEP_EVERY = 4
DEEP_ROUNDS = 80.0
"""Round trips after which it is done where no cut for latency was needed."""
VAIN_CUTS = 3
"""Cuts in a row after which latency has not come down: it is not a queue, calls take longer."""
AFTER_VAIN = 0.5
"""Where the curve back to the limit before them begins."""
AFTER_DOUBT = 0.25
"""Share of the capacity found that the limit goes back to at the first cut after `VAIN_CUTS`."""
HASTY_S = 1.0
"""Seconds: where a round trip is longer, a report each 0.1 s comes soon enough, and answers are not
told before it."""
NEARLY = 0.9
"""Of such a round trip, after which the next doubling may begin: answers that come together are as
often a little early as late, and those that are early would count for nothing."""
STEADY_ROUNDS = 2.0
"""Round trips after a cut or a fast start, before which a window does not lower the unloaded
latency: of calls that were sent close together the short ones come back first."""


class Limit:
    """The controller. It reads no clock: `now` is monotonic seconds, and never goes back."""

    def __init__(self, ceiling: int, now: float) -> None:
        self.ceiling = ceiling
        self.cuts = 0
        """Counts the cuts, so that workers can tell calls sent before one from those after."""
        self._growth = Growth(ceiling, now)
        self._latency = Latency(now)
        self._in_flight = 0
        self._seen_at = now
        self._draining = False
        """Whether more calls are under way than the limit, since the last cut."""
        self._low_at = now
        """When the load was last so low that calls cannot have queued."""
        self._deep = 0
        self._vain = 0
        self._before_vain = 0.0
        self._doubted = False
        """Whether the unloaded latency was raised for want of another explanation."""
        self._refusals = Accidents(now)
        self._timeouts = Accidents(now)
        self._excused_from: float | None = None
        """Since when failures have been held to have nothing to do with load."""

    @property
    def value(self) -> int:
        """Calls that may be under way."""
        return max(1, min(self.ceiling, int(self._growth.limit + 0.5)))

    @property
    def starting(self) -> bool:
        """Whether it grows as in the fast start."""
        return self._growth.starting

    @property
    def hasty(self) -> bool:
        """Whether this is the first fast start and its round trips are shorter than `HASTY_S`."""
        known = self._latency.unloaded.is_known
        return known and self.starting and not self.cuts and self.round_s < HASTY_S

    @property
    def round_s(self) -> float:
        """Seconds of a round trip without a queue."""
        return self._latency.unloaded.round_s

    @property
    def unloaded_s(self) -> float | None:
        """Geometric mean of the unloaded latency of recent calls; None where it is unknown."""
        return self._latency.unloaded.typical_s

    def restart(self, now: float) -> None:
        """Begin again from the bottom, as after a pause."""
        self.cuts += 1
        self._growth.restart(self.ceiling)
        self._latency.begin(now)
        self._seen_at = now

    def see(self, worker: int, seen: Seen, in_flight: int, now: float) -> None:
        """Take in what one worker saw since its last report.

        Args:
            worker: Its number.
            seen: Its report.
            in_flight: Calls under way by the last reports of all workers.
            now: Monotonic seconds.
        """
        self._in_flight = in_flight
        limit = self._growth.limit
        if self._draining and in_flight <= limit + 1:
            # Those sent so far met the queue of before: fresh is what is sent from now on.
            self._draining, self.cuts = False, self.cuts + 1
        # Where calls are refused, those sent before a cut met no queue.
        stale = not self._growth.queues
        self._latency.see(worker, seen, limit, now, draining=self._draining, stale=stale)
        self._count_failures(seen, in_flight, now)
        if seen.refused_fresh and not self._is_accident(self._refusals, now):
            self._cut(min(limit, max(1, in_flight)), AFTER_REFUSAL, queued=False, now=now)
        elif self._latency.timed_out and not self._is_accident(self._timeouts, now):
            self._cut(self._growth.limit, AFTER_TIMEOUTS, queued=False, now=now)
        else:
            self._look(now)
            self._grow(seen, in_flight, now)
        self._seen_at = now

    def _count_failures(self, seen: Seen, in_flight: int, now: float) -> None:
        limit = self._growth.limit
        load = limit if seen.pressed else min(limit, in_flight)
        ended = seen.answered + seen.refused_fresh + seen.timeouts_fresh
        self._refusals.add(load, ended, seen.refused_fresh, now, self.round_s)
        self._timeouts.add(load, ended, seen.timeouts_fresh, now, self.round_s)

    def _is_accident(self, failures: Accidents, now: float) -> bool:
        """Whether going back would not help: as many calls fail at a lower load.

        After `DEEP_ROUNDS` of that, going back once shows whether it is still so.
        """
        if not failures.explain(self._growth.limit, self._in_flight):
            self._excused_from = None
            return False
        self._growth.queues = True  # where refusals do not go by load, latency has to tell
        if self._excused_from is None:
            self._excused_from = now
        if now - self._excused_from < DEEP_ROUNDS * self.round_s:
            return True
        self._excused_from = None
        failures.forget()
        self._cut(self._growth.limit, AFTER_DEEP, queued=True, now=now)
        return True

    def _look(self, now: float) -> None:
        """Go by what latency says, once it says something."""
        judgement = self._latency.judge(now, doubling=self.starting)
        if judgement is None:
            return
        if judgement.queueing:
            self._queue(now)
            return
        self._vain = 0
        self._learn(judgement, now)
        self._latency.close(now)
        growth = self._growth
        if growth.queues and growth.is_marked and judgement.unloaded:
            growth.start(now)
        elif growth.queues and now - self._low_at > DEEP_ROUNDS * self.round_s:
            self._low_at = now
            self._cut(growth.limit, AFTER_DEEP, queued=True, now=now)

    def _learn(self, judgement: Judgement, now: float) -> None:
        """Let a window without a queue say what the unloaded latency is."""
        growth, latency = self._growth, self._latency
        load = 1.0 if growth.starting else latency.highest / growth.found
        if load <= LOW:
            self._low_at = now
        steady_at = growth.moved_at + STEADY_ROUNDS * self.round_s
        latency.learn(
            judgement,
            load,
            steady=latency.began >= steady_at,
            queues=growth.starting or growth.queues,
        )

    def _queue(self, now: float) -> None:
        """Calls queue: go back to what is answered."""
        capacity = min(self._latency.capacity(now), max(1, self._in_flight))
        self._vain += 1
        if self._vain == 1:
            self._before_vain = self._growth.limit
        if self._vain > VAIN_CUTS:
            self._admit(now)
            return
        self._deep += 1
        back = AFTER_DEEP if self._deep % DEEP_EVERY == 0 else AFTER_QUEUE
        if self._doubted:
            self._doubted, back = False, AFTER_DOUBT
        self._cut(min(self._growth.limit, max(1.0, capacity)), back, queued=True, now=now)

    def _admit(self, now: float) -> None:
        """Fewer calls were not faster: this is how long they take now."""
        self._vain, self._doubted = 0, True
        self._latency.admit(now)
        self._growth.return_to(self._before_vain, AFTER_VAIN)

    def _cut(self, found: float, back: float, *, queued: bool, now: float) -> None:
        self.cuts += 1
        self._growth.cut(found, back, queued=queued, now=now)
        self._latency.cut(now)
        self._draining = True

    def _grow(self, seen: Seen, in_flight: int, now: float) -> None:
        """Raise the limit where it is used up; what is not needed is not asked for."""
        growth, fresh = self._growth, sum(timing.n for timing in seen.timings.values())
        if not growth.goes_on(fresh):
            return  # what was sent before the cut is still coming back
        if not seen.pressed or growth.limit >= self.ceiling:
            return
        if not growth.starting:
            passed_s = now - self._seen_at
            if growth.climb(passed_s, self.ceiling, self.round_s, now):
                self._latency.begin(now)
            if growth.starting:
                self._refusals.clear()  # those of before were of a smaller capacity
        elif self._latency.unloaded.is_known:
            round_s = self.round_s * (NEARLY if self.hasty else 1)
            growth.double(fresh, in_flight, self.ceiling, round_s, now)
