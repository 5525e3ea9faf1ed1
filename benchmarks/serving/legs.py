"""Ways to serve the same requests, measured in turn, and what their medians say."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.serving.bases import ADAPTERS
from benchmarks.serving.laps import CLIENTS, Lap, lap
from evaluation.candidates.builtin import serving
from evaluation.candidates.key import candidate_key
from evaluation.candidates.models import BASE, Group

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.serving.bases import Base


@dataclass(frozen=True)
class Leg:
    """One way to serve."""

    precision: str
    groups: tuple[tuple[int, ...], ...]
    """Clients that ask at the same time; a group begins when the one before it is done."""


ALL = tuple(range(CLIENTS))
BY_ADAPTER = tuple(ALL[first :: len(ADAPTERS)] for first in range(len(ADAPTERS)))
LEGS = {
    "mixed": Leg("auto", (ALL,)),
    "sequential": Leg("auto", BY_ADAPTER),
    "one": Leg("auto", (ALL[:1],)),
    "mixed_float32": Leg("float32", (ALL,)),
    "one_float32": Leg("float32", (ALL[:1],)),
}


def measure(base: Base, logs: Path, repeats: int) -> dict[str, Any]:
    """Take `repeats` laps of every leg in turn, after one that is not counted."""
    laps: dict[str, list[Lap]] = {name: [] for name in LEGS}
    with ExitStack() as stack:
        stack.enter_context(candidate_key())
        servers = {}
        for precision in sorted({leg.precision for leg in LEGS.values()}):
            server = stack.enter_context(
                serving(
                    Group(BASE, str(base.folder), base.adapters),
                    logs / f"{precision}.log",
                    options=("--precision", precision),
                )
            )
            servers[precision] = (server.base_url(), server.pid)
        for count in range(repeats + 1):
            for name, leg in LEGS.items():
                url, pid = servers[leg.precision]
                one = asyncio.run(lap(url, leg.groups, pid))
                if count:
                    laps[name].append(one)
    return _figures(laps)


def _figures(laps: dict[str, list[Lap]]) -> dict[str, Any]:
    legs = {
        name: {
            "tokens_per_s": round(median(one.tokens / one.wall_s for one in found), 1),
            "tokens_per_cpu_s": round(median(one.tokens / one.cpu_s for one in found), 1),
            "range_per_cpu_s": [
                round(min(one.tokens / one.cpu_s for one in found), 1),
                round(max(one.tokens / one.cpu_s for one in found), 1),
            ],
            "laps": len(found),
        }
        for name, found in laps.items()
    }
    same = {
        precision: _same([one.answers for name in names for one in laps[name]])
        for precision, names in _by_precision().items()
    }
    return {
        "mixed_over_sequential": _ratio(laps, "mixed", "sequential", "wall_s"),
        "mixed_over_sequential_cpu": _ratio(laps, "mixed", "sequential", "cpu_s"),
        "mixed_over_one": _ratio(laps, "mixed", "one", "wall_s"),
        "answers_same_in_any_company": same,
        "legs": legs,
    }


def _same(found: list[dict[int, tuple[str, ...]]]) -> bool:
    return all(
        len({answers[client] for answers in found if client in answers}) == 1 for client in ALL
    )


def _by_precision() -> dict[str, list[str]]:
    return {
        precision: [name for name, leg in LEGS.items() if leg.precision == precision]
        for precision in sorted({leg.precision for leg in LEGS.values()})
    }


def _ratio(laps: dict[str, list[Lap]], fast: str, slow: str, by: str) -> float:
    """Return the median, over the rounds, of what one leg answers in the time of the other."""
    ratios = [
        (a.tokens / getattr(a, by)) / (b.tokens / getattr(b, by))
        for a, b in zip(laps[fast], laps[slow], strict=True)
    ]
    return round(float(median(ratios)), 3)
