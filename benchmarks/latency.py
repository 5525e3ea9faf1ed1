"""The engine in front of an endpoint that takes its time: how busy it keeps it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmarks.campaign import play, scratch
from benchmarks.meter import Lap
from benchmarks.stub import running_stub
from domain.settings import EngineSettings

if TYPE_CHECKING:
    from benchmarks.course import Course
    from benchmarks.stub import Tally

LATENCY_S = 0.3
HELD_CALLS_PER_SECOND = 512
"""Calls per second in front of an endpoint that holds them: as many however many are under way."""
HELD_SHARE = 0.9


@dataclass
class BusyLap(Lap):
    """A lap against a slow endpoint."""

    first_to_last_s: float = 0.0
    """From the arrival of the first call to the answer of the last."""
    middle_s: float = 0.0
    """From the arrival of the call at a quarter of all to that at three quarters."""

    def share(self, in_flight: int) -> float:
        """Calls per second over `in_flight` / latency, from first to last: ends included."""
        return self.calls / self.first_to_last_s * LATENCY_S / in_flight

    def middle_share(self, in_flight: int) -> float:
        """The same over the middle half of the calls: neither the start nor the tail."""
        return 0.5 * self.calls / self.middle_s * LATENCY_S / in_flight

    @property
    def busy(self) -> float:
        """CPU seconds per second: 1 is one core saturated."""
        return self.cpu_s / self.wall_s


class LatencyLane:
    """Laps in front of an endpoint that answers each call after `LATENCY_S`."""

    def __init__(self, course: Course, rounds: int) -> None:
        self._course = course
        self._rounds = rounds
        with running_stub(course.shape.revisions) as stub, scratch() as folder:
            play(replace(course, base_url=stub.base_url), course.small, folder)

    def lap(self, in_flight: int) -> BusyLap:
        """Play `rounds` sessions in each place; start-up counts in CPU, not in the share."""
        with running_stub(self._course.shape.revisions, LATENCY_S) as stub, scratch() as folder:
            # A session thinks between two calls: it takes more of them to keep the endpoint busy.
            shipped = EngineSettings().sessions_in_flight
            at_once = max(in_flight, shipped)
            course = replace(
                self._course,
                base_url=stub.base_url,
                in_flight=in_flight,
                sessions_at_once=at_once,
            )
            lap = play(course, in_flight * self._rounds, folder)
            return _with_tally(lap, stub.tally())


class HeldLane:
    """Laps with so many calls under way at an endpoint that holds each.

    It holds 512 calls for 1 s and 32 for 1/16 s: both are 512 calls per second, which a core can
    make. With one latency for both, either the few would be idle, or the many never under way.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self._held_s = course.in_flight / HELD_CALLS_PER_SECOND
        self._play(course.small)

    def lap(self) -> Lap | str:
        """Return what the sessions between the small and the large campaign cost.

        Or why that says nothing: the endpoint never had 90% of the calls at once that it should.
        """
        large, held = self._play(self._course.large)
        if held < HELD_SHARE * self._course.in_flight:
            return f"at most {held} of {self._course.in_flight} calls were under way"
        return large - self._play(self._course.small)[0]

    def _play(self, sessions: int) -> tuple[Lap, int]:
        with running_stub(self._course.shape.revisions, self._held_s) as stub, scratch() as folder:
            lap = play(replace(self._course, base_url=stub.base_url), sessions, folder)
            return lap, stub.tally().held_most


def _with_tally(lap: Lap, tally: Tally) -> BusyLap:
    times = tally.every_16th_s
    return BusyLap(
        calls=lap.calls,
        cpu_s=lap.cpu_s,
        wall_s=lap.wall_s,
        first_to_last_s=tally.last_s - tally.first_s + LATENCY_S,
        middle_s=times[3 * len(times) // 4] - times[len(times) // 4],
    )
