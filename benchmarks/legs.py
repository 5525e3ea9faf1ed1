"""What is measured in CPU per call, and which ratios are made of it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmarks.course import Course
from benchmarks.lanes import Lane, in_turn
from benchmarks.others import SDIALOG_MISSING, has_sdialog

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from benchmarks.meter import Lap

RATIOS = {
    "engine_over_raw": ("engine", "raw"),
    "engine_traced_over_raw": ("traced", "raw"),
    "store_over_raw_call": ("store", "raw"),
    "chat_over_raw": ("chat", "raw"),
    "stock_over_raw": ("stock", "raw"),
    "stock_over_engine": ("stock", "engine"),
    "sdialog_over_engine": ("sdialog", "engine"),
    "structured_over_plain": ("structured", "plain"),
    "concurrency_512_over_32": ("engine at 512", "engine at 32"),
    "ray_over_inline": ("ray, 1 worker", "engine"),
}
"""Key of a figure: the legs whose CPU per call it compares."""

WORKERS = "two_workers_over_one"
KEYS = (*RATIOS, WORKERS)


@dataclass(frozen=True)
class Bench:
    """What all legs share."""

    base_url: str
    tape: Path
    repeats: int
    few: int
    """Sessions of the legs that take milliseconds for a call."""
    many: int
    """Sessions of the legs that take a fraction of one."""

    @property
    def course(self) -> Course:
        """The campaign that the engine's legs run."""
        return Course(self.base_url, small=8, large=8 + self.many)

    def lane(self, name: str) -> Lane:
        """Start the process of one lane, warmed."""
        course, url, tape = self.course, self.base_url, self.tape
        at_once, shape = course.in_flight, course.shape
        build: dict[str, Callable[[], Lane]] = {
            "raw": lambda: Lane("benchmarks.raw:RawLane", url, tape, at_once),
            "engine": lambda: Lane("benchmarks.campaign:EngineLane", course),
            "traced": lambda: Lane("benchmarks.campaign:TracedLane", course),
            "store": lambda: Lane("benchmarks.storage:StoreLane", course),
            "chat": lambda: Lane("benchmarks.stock:ChatLane", url, tape, at_once, self.few),
            "stock": lambda: Lane(
                "benchmarks.stock:StockLane", url, tape, at_once, self.few, shape
            ),
            "sdialog": lambda: Lane("benchmarks.others:SdialogLane", url, tape, 4, shape),
            "form": lambda: Lane("benchmarks.structured:StructuredLane", url, tape, at_once, shape),
            "wide": lambda: Lane(
                "benchmarks.latency:HeldLane", replace(course, in_flight=512, large=512 + 8)
            ),
            "narrow": lambda: Lane(
                "benchmarks.latency:HeldLane", replace(course, in_flight=32, large=512 + 8)
            ),
            "ray": lambda: Lane(
                "benchmarks.onray:RayLane", replace(course, large=8 + 2 * self.many)
            ),
        }  # fmt: skip
        return build[name]()


_LAPS: dict[str, tuple[str, tuple[object, ...]]] = {
    "raw": ("raw", ()),
    "engine": ("engine", ()),
    "traced": ("traced", ()),
    "store": ("store", ()),
    "chat": ("chat", ()),
    "stock": ("stock", ()),
    "sdialog": ("sdialog", ()),
    "structured": ("form", (True,)),
    "plain": ("form", (False,)),
    "engine at 512": ("wide", ()),
    "engine at 32": ("narrow", ()),
    "ray, 1 worker": ("ray", (1,)),
    "ray, 2 workers": ("ray", (2,)),
}
"""Leg: its lane, and what the lane is asked for."""


@dataclass(frozen=True)
class Outcome:
    """Figures by key, CPU milliseconds per call by leg, and what was left out and why."""

    figures: dict[str, float]
    ms: dict[str, float]
    skipped: dict[str, str]


def measure(bench: Bench, keys: Collection[str]) -> Outcome:
    """Measure what the keys ask for, all legs in turn."""
    skipped = {}
    if not has_sdialog():
        skipped = {key: SDIALOG_MISSING for key in keys if "sdialog" in key}
    keys = [key for key in KEYS if key in keys and key not in skipped]
    legs = {leg for key in keys for leg in _legs_of(key)}
    with ExitStack() as stack:
        lanes: dict[str, Lane] = {}
        for name, _ in (_LAPS[leg] for leg in sorted(legs)):
            if name not in lanes:
                lanes[name] = stack.enter_context(bench.lane(name))
        refused = _race(lanes, legs, bench.repeats)
        whys = {key: [refused[leg] for leg in _legs_of(key) if leg in refused] for key in keys}
        skipped |= {key: why[0] for key, why in whys.items() if why}
        return _outcome(
            lanes, [key for key in keys if key not in skipped], legs - set(refused), skipped
        )


def _legs_of(key: str) -> tuple[str, ...]:
    return ("ray, 1 worker", "ray, 2 workers") if key == WORKERS else RATIOS.get(key, ())


def _race(lanes: dict[str, Lane], legs: Collection[str], repeats: int) -> dict[str, str]:
    """Take the laps; return why a leg has none, by leg: the others go on without it."""
    refused: dict[str, str] = {}

    def take(leg: str) -> Callable[[], None]:
        name, what = _LAPS[leg]

        def lap() -> None:
            if leg not in refused and isinstance(why := lanes[name].lap(*what), str):
                refused[leg] = why

        return lap

    in_turn([take(leg) for leg in sorted(legs)], repeats)
    return refused


def _outcome(
    lanes: dict[str, Lane], keys: Collection[str], legs: Collection[str], skipped: dict[str, str]
) -> Outcome:
    def of(leg: str, figure: Callable[[Lap], float]) -> float:
        name, what = _LAPS[leg]
        return lanes[name].median(figure, *what)

    ms = {leg: of(leg, lambda lap: lap.cpu_ms) for leg in sorted(legs)}
    figures = {key: ms[RATIOS[key][0]] / ms[RATIOS[key][1]] for key in keys if key in RATIOS}
    if WORKERS in keys:
        one, two = (of(leg, lambda lap: lap.rate) for leg in _legs_of(WORKERS))
        figures[WORKERS] = two / one
    return Outcome(figures, ms, skipped)
