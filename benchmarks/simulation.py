"""What a simulated session costs: `python -m benchmarks.simulation [--json] [--only KEY,…]`.

Ratios of CPU per model call, taken in turn in one run, several times over; medians. The unit is a
plain asyncio loop over aiohttp and orjson that sends the same requests to the same stub.
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import orjson

from benchmarks.campaign import SESSION_23, Course, EngineLane, record
from benchmarks.lanes import Lane
from benchmarks.raw import RawLane
from benchmarks.storage import StoreLane
from benchmarks.stub import running_stub

if TYPE_CHECKING:
    from collections.abc import Mapping

REPEATS = 5
TAPE_SESSIONS = 96


def ms(lane: Lane) -> float:
    """Return a lane's median CPU milliseconds per call."""
    return median(lap.cpu_ms for lap in lane.laps)


def in_turn(lanes: Mapping[str, Lane], repeats: int) -> None:
    """Let every lane run a lap, again and again, so that all meet the same weather."""
    for _ in range(repeats):
        for lane in lanes.values():
            lane.lap()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    repeats = 3 if asked.quick else REPEATS
    with ExitStack() as stack:
        stub = stack.enter_context(running_stub(SESSION_23.revisions))
        tape = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "tape.json"
        course = Course(stub.base_url)
        kb = record(replace(course, kind="inline"), TAPE_SESSIONS, tape)
        lanes = {
            "raw": stack.enter_context(Lane(RawLane, stub.base_url, tape, course.in_flight)),
            "engine": stack.enter_context(Lane(EngineLane, course)),
            "store": stack.enter_context(Lane(StoreLane, course)),
        }
        in_turn(lanes, repeats)
        raw = ms(lanes["raw"])
        figures = {
            "engine_over_raw": ms(lanes["engine"]) / raw,
            "store_over_raw_call": ms(lanes["store"]) / raw,
            "kb_per_session": kb,
            "ms": {name: ms(lane) for name, lane in lanes.items()},
        }
    print(orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode())  # noqa: T201


if __name__ == "__main__":
    main()
