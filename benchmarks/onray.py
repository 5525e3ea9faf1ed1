"""The engine on Ray: CPU of the driver and of its workers, and how much faster two of them are."""

from __future__ import annotations

import time
from contextlib import suppress
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
    before = ray_cpu_s()
    with scratch() as folder:
        lap = play(course, sessions, folder)
    # What a worker does after its last session, such as closing its shard, belongs to the run.
    time.sleep(0.2)
    lap.cpu_s += sum(used - before.get(process, 0.0) for process, used in ray_cpu_s().items())
    return lap


def ray_processes() -> list[psutil.Process]:
    """Return the processes of our Ray whose name begins with `ray::`; none before it starts."""
    if not cluster.is_started():
        return []
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if (process.cmdline() or [""])[0].startswith("ray::"):
                found.append(process)
    return found


def ray_cpu_s() -> dict[int, float]:
    """Return CPU seconds so far of each of `ray_processes`, by process id."""
    used = {}
    for process in ray_processes():
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used[process.pid] = times.user + times.system
    return used
