"""One campaign of a growth series, stopped just before its end; its cost goes to stdout as JSON.

Start-up is taken out: a first campaign warms the process and its worker, and what a campaign of one
session takes is subtracted. Memory is read when the plan is made and when the campaign has stopped.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import psutil

from benchmarks.campaign import play, scratch
from benchmarks.course import Course
from benchmarks.meter import cpu_s
from benchmarks.onray import ray_cpu_s, ray_processes
from campaigns.run import run_campaign
from domain.errors import BudgetReachedError
from domain.runfolder import RunFolder
from domain.settings import BudgetSettings
from engine.ledger.store import Store
from rehearsal.runs import save_settings

LEFT = 32
"""Sessions that are left for the resumed run: the budget ends before them."""

SEED = 2024
"""Far from the seeds of the campaigns that warm the process: nobody is met twice."""


class Watch:
    """A `Progress` that reads memory once, when the plan is made and nothing is played."""

    def __init__(self) -> None:
        self.begin: dict[str, float] = {}
        self.cpu_s = 0.0
        """What watching itself took."""

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Read at the first call."""
        if stage == "sessions" and not self.begin:
            before = cpu_s()
            self.begin = memory("begin")
            self.cpu_s = cpu_s() - before


def memory(when: str) -> dict[str, float]:
    """Return the resident megabytes of driver and worker; inline they are one process."""
    workers = [p for p in ray_processes() if p.cmdline()[0].startswith("ray::Worker")]
    found = {"driver": [psutil.Process()], "worker": workers or [psutil.Process()]}
    return {
        f"{who}_{when}_mb": max(process.memory_info().rss for process in processes) / 1e6
        for who, processes in found.items()
    }


def grow(course: Course, sessions: int, folder: RunFolder) -> dict[str, Any]:
    """Play the campaign up to its last sessions; return its cost."""
    for warm in (64, 1):
        start_up = _used_s()
        with scratch() as passing:
            play(course, warm, passing)
        start_up = _used_s() - start_up
    # The resumed run is played inline: starting Ray is Ray's time, whatever the size.
    save_settings(replace(course, kind="inline").settings(sessions, SEED), folder)
    budget = BudgetSettings(calls=(sessions - LEFT) * course.shape.calls)
    settings = course.settings(sessions, SEED)
    campaign = settings.campaign.model_copy(update={"budget": budget})
    watch, before = Watch(), _used_s()
    try:
        run_campaign(settings.model_copy(update={"campaign": campaign}), folder, watch)
    except BudgetReachedError:
        used = _used_s() - before - start_up - watch.cpu_s
    else:
        raise RuntimeError("the campaign ended before it was stopped")
    end = memory("end")
    calls = Store(folder.ledger).totals().calls
    return {
        "kind": course.kind,
        "calls_per_session": course.shape.calls,
        "calls": calls,
        "cpu_ms_per_session": 1000 * used / (calls - course.shape.calls) * course.shape.calls,
        **watch.begin,
        **end,
    }


def _used_s() -> float:
    return cpu_s() + sum(ray_cpu_s().values())


def main() -> None:
    """Play what the arguments and the course on stdin say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sessions", type=int)
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    course = Course.from_json(sys.stdin.buffer.read())
    grown = grow(course, asked.sessions, RunFolder(asked.folder))
    print(orjson.dumps(grown).decode())  # noqa: T201 - read by our starter


if __name__ == "__main__":
    main()
