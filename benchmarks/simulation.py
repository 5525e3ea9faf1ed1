"""What a simulated session costs: `python -m benchmarks.simulation [--json] [--only KEY,…]`.

The unit is a plain asyncio loop over aiohttp and orjson that sends the same requests to the same
stub, as many at a time. Laps are taken in turn, several times over; figures are ratios of medians
of CPU per call in the client's processes. Import, the check of the endpoints and compiling are in
none of them. What each figure means stands in docs/performance.md.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from benchmarks import legs
from benchmarks.course import SESSION_23, Course
from benchmarks.lanes import Lane
from benchmarks.machine import machine
from benchmarks.stub import running_stub

if TYPE_CHECKING:
    from collections.abc import Collection

    from benchmarks.latency import BusyLap

TARGETS = {
    "engine_over_raw": "at most 4 (aim 3)",
    "stock_over_engine": "at least 7 (aim 10)",
    "structured_over_plain": "at most 1.15",
    "concurrency_512_over_32": "at most 1.15",
    "ray_over_inline": "at most 1.2",
    "two_workers_over_one": "at least 1.8, on two free cores",
    "store_over_raw_call": "at most 0.3",
    "kb_per_session": "at most 25",
    "ideal_share_300ms": "at least 0.97",
    "understudy_answers_per_core_second": "at least 1500",
    "understudy_critiques_per_core_second": "at least 100",
}
KB = ("kb_per_session",)
IDEAL = ("ideal_share_300ms", "ideal_share_300ms_middle")
SATURATION = (
    "saturation_calls_per_second",
    "saturation_in_flight_300ms",
    "saturation_cores_busy",
    "saturation_seen_calls_per_second",
)
UNDERSTUDY = (
    "understudy_answers_per_core_second",
    "understudy_critiques_per_core_second",
    "understudy_functions_answers_per_core_second",
    "understudy_functions_critiques_per_core_second",
)
ROUNDS = 5
"""Sessions in each place of the slow endpoint; start and end take a few seconds of any run."""
KEYS = (*legs.KEYS, *KB, *IDEAL, *SATURATION, *UNDERSTUDY)


def simulate(keys: Collection[str], *, quick: bool, rounds: int = ROUNDS) -> dict[str, object]:
    """Measure what `keys` ask for; return figures by key, and what they are made of."""
    figures: dict[str, float] = {}
    with running_stub(SESSION_23.revisions) as stub, tempfile.TemporaryDirectory() as scratch:
        tape = Path(scratch) / "tape.json"
        course = Course(stub.base_url)
        figures["kb_per_session"] = _record(course, 64 if quick else 256, tape)
        bench = legs.Bench(
            stub.base_url, tape, 3 if quick else 5, 8 if quick else 16, 48 if quick else 96
        )
        outcome = legs.measure(bench, keys)
        figures |= outcome.figures
        if set(keys) & {*IDEAL, *SATURATION}:
            figures |= _slow_endpoint(course, keys, 1 if quick else rounds)
        if set(keys) & set(UNDERSTUDY):
            figures |= _understudy(Path(scratch) / "understudy.json", 2 if quick else 4)
    return {
        **{key: round(figures[key], 3) for key in KEYS if key in keys and key in figures},
        "ms_per_call": {leg: round(ms, 4) for leg, ms in outcome.ms.items()},
        "skipped": outcome.skipped,
        "machine": machine(),
    }


def _record(course: Course, sessions: int, tape: Path) -> float:
    from benchmarks.campaign import record

    return record(course, sessions, tape)


def _slow_endpoint(course: Course, keys: Collection[str], rounds: int) -> dict[str, float]:
    from benchmarks.latency import LATENCY_S

    figures: dict[str, float] = {}
    with Lane("benchmarks.latency:LatencyLane", course, rounds) as lane:
        if set(keys) & set(IDEAL):
            ideal: BusyLap = lane.lap(128)
            figures["ideal_share_300ms"] = ideal.share(128)
            figures["ideal_share_300ms_middle"] = ideal.middle_share(128)
    if set(keys) & set(SATURATION):
        with Lane("benchmarks.latency:LatencyLane", course, 1) as lane:
            wide: BusyLap = lane.lap(1024)
        figures["saturation_calls_per_second"] = wide.per_core_second
        figures["saturation_in_flight_300ms"] = wide.per_core_second * LATENCY_S
        figures["saturation_cores_busy"] = wide.busy
        figures["saturation_seen_calls_per_second"] = wide.calls / wide.first_to_last_s
    return figures


def _understudy(tape: Path, repeats: int) -> dict[str, float]:
    from benchmarks.offline import CRITIQUES, SPOKEN, record_understudy

    record_understudy(24 * (repeats + 1), tape)
    figures = {}
    for http, infix in ((True, ""), (False, "functions_")):
        with Lane("benchmarks.offline:UnderstudyLane", tape, repeats, http) as lane:
            for kind, name in ((SPOKEN, "answers"), (CRITIQUES, "critiques")):
                for _ in range(repeats):
                    lane.lap(kind)
                key = f"understudy_{infix}{name}_per_core_second"
                figures[key] = lane.median(lambda lap: lap.per_core_second, kind)
    return figures


def _table(figures: dict[str, object]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Simulation: CPU per call, ratios of medians")
    table.add_column("figure")
    table.add_column("measured", justify="right")
    table.add_column("wanted")
    for key in KEYS:
        if key in figures:
            table.add_row(key, f"{figures[key]}", TARGETS.get(key, ""))
    console = Console()
    console.print(table)
    for name in ("ms_per_call", "skipped", "machine"):
        console.print(f"{name}: {figures[name]}", soft_wrap=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="fewer repeats and sessions")
    parser.add_argument("--only", default="", help=f"keys, with commas between: {', '.join(KEYS)}")
    said = f"sessions in each of the 128 places before the endpoint of 300 ms (default {ROUNDS})"
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=said)
    asked = parser.parse_args()
    keys = tuple(filter(None, asked.only.split(","))) or KEYS
    if strays := set(keys) - set(KEYS):
        parser.error(f"no such figure: {', '.join(sorted(strays))}")
    figures = simulate(keys, quick=asked.quick, rounds=asked.rounds)
    if asked.json:
        print(orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode())  # noqa: T201
    else:
        _table(figures)


if __name__ == "__main__":
    main()
