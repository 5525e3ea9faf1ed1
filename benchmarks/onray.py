"""The engine on Ray: CPU of the driver and of its workers, and how much faster two of them are."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil

from benchmarks.campaign import play, scratch
from engine import cluster

if TYPE_CHECKING:
    from benchmarks.course import Course
    from benchmarks.meter import Lap


class RayLane:
    """Laps on one or two workers of one Ray; both are started, and have imported, beforehand.

    CPU is read from the kernel's accounts of this process and of every process of our Ray whose
    name begins with `ray::`: the workers, the steward, and idle ones. Ray's own servers (raylet,
    GCS) serve the machine and stand idle beside the work; they are not counted.
    """

    def __init__(self, course: Course) -> None:
        self._course = replace(course, kind="ray")
        for workers in (2, 1):
            self.lap(workers)

    def lap(self, workers: int) -> Lap:
        """Return what the sessions between the small and the large campaign cost."""
        course = replace(self._course, workers=workers)
        return _play(course, course.large) - _play(course, course.small)


def _play(course: Course, sessions: int) -> Lap:
    before = _cpu_by_process() if cluster.is_started() else {}
    with scratch() as folder:
        lap = play(course, sessions, folder)
    after = _cpu_by_process()
    # What a worker does between two campaigns, such as closing its shard, belongs to the first.
    time.sleep(0.2)
    lap.cpu_s += sum(used - before.get(process, 0.0) for process, used in after.items())
    return lap


def _cpu_by_process() -> dict[int, float]:
    """Return CPU seconds so far of each of our Ray's worker processes, by process id."""
    used = {}
    for process in psutil.Process().children(recursive=True):
        try:
            if (process.cmdline() or [""])[0].startswith("ray::"):
                times = process.cpu_times()
                used[process.pid] = times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return used
