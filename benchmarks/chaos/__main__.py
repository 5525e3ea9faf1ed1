"""`python -m benchmarks.chaos`: kill campaigns in every way there is, and say what was lost."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from benchmarks.chaos import faults, forked, inline, rays, sigint
from benchmarks.chaos.report import Report
from benchmarks.chaos.stage import Stage
from understudy.faults import FaultSettings

if TYPE_CHECKING:
    from collections.abc import Callable

LATENCY = FaultSettings(latency_ms=4, latency_sigma=0.5)
"""Milliseconds per answer: enough for a kill to land while calls are in flight."""


SLOW = FaultSettings(latency_ms=300, latency_sigma=0.3)
"""The same where a worker takes many seconds to start: others must not end the run meanwhile."""

AnyReport: TypeAlias = "Report | faults.FaultReport"
Place: TypeAlias = "Callable[[str, FaultSettings], Stage]"
"""Makes the stage of a mode: by its name, and what its endpoint does."""
Mode: TypeAlias = "Callable[[Place, int, int | None], AnyReport]"


def _boundaries(place: Place, seed: int, kills: int | None) -> Report:
    with place("boundaries", LATENCY).open() as stage:
        return inline.every_boundary(stage, seed, kills)


def _inline(place: Place, seed: int, kills: int | None) -> Report:
    with place("inline", LATENCY).open() as stage:
        return inline.random_moments(stage, seed, 200 if kills is None else kills)


def _sigint(place: Place, seed: int, kills: int | None) -> Report:
    with place("sigint", FaultSettings(latency_ms=200)).open() as stage:
        return sigint.sigint(stage, seed, 10 if kills is None else kills)


def _faults(place: Place, seed: int, kills: int | None) -> faults.FaultReport:
    """One session for each kill: 1,000 where nothing is said."""
    with place("faults", faults.MIXED).open() as stage:
        return faults.faults(stage, 1000 if kills is None else max(40, kills))


def _on_ray(kill: Callable[[Stage, int, int], Report], kills: int = 10) -> Mode:
    promised = kills

    def mode(place: Place, seed: int, kills: int | None) -> Report:
        with place(kill.__name__, SLOW).open() as stage:
            return kill(stage, seed, promised if kills is None else kills)

    return mode


MODES: dict[str, Mode] = {
    "boundaries": _boundaries,
    "inline": _inline,
    "sigint": _sigint,
    "faults": _faults,
    "driver": _on_ray(rays.driver),
    "worker": _on_ray(rays.worker),
    "steward": _on_ray(rays.steward, kills=3),
    "node": _on_ray(rays.node),
}
"""The last one starts Ray in this process: nothing may be forked after it."""


def main() -> int:
    """Run the modes that were asked for; 0 when every promise held, 1 otherwise."""
    given = _arguments()
    forked.prepare()
    with tempfile.TemporaryDirectory(prefix="chaos-") as scratch:
        folder = given.keep or Path(scratch)

        def place(name: str, faults: FaultSettings) -> Stage:
            return Stage(folder / name, faults, given.store)

        wanted = sorted(given.modes, key=list(MODES).index)
        reports = []
        for mode in wanted:
            reports.append(MODES[mode](place, given.seed, given.kills))
            sys.stderr.write(f"{mode}: {json.dumps(reports[-1].as_json())}\n")
    if given.json:
        sys.stdout.write(json.dumps(_summed(reports), indent=1) + "\n")
    else:
        _show(reports)
    return 0 if all(report.held for report in reports) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--kills", type=int, help="kills per mode; sessions of `faults`")
    parser.add_argument("--modes", type=_modes, default=list(MODES), help=", ".join(MODES))
    parser.add_argument("--store", help="keep ledgers there, e.g. postgresql://me@localhost/chaos")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="work in this folder, and leave it")
    return parser.parse_args()


def _modes(text: str) -> list[str]:
    modes = text.split(",")
    if unknown := set(modes) - set(MODES):
        raise argparse.ArgumentTypeError(f"no such mode: {', '.join(unknown)}")
    return modes


def _summed(reports: list[AnyReport]) -> dict[str, object]:
    kills = [report for report in reports if isinstance(report, Report)]
    numbers = ("kills", "lost", "asked_twice", "unrecorded", "in_flight_at_kill")
    return {
        **{name: sum(getattr(report, name) for report in kills) for name in numbers},
        "same_bytes": all(report.same_bytes for report in kills),
        "held": all(report.held for report in reports),
        "modes": {report.mode: report.as_json() for report in reports},
    }


def _show(reports: list[AnyReport]) -> None:
    kills = [report for report in reports if isinstance(report, Report)]
    heads = ("mode", "kills", "lost", "asked twice", "in flight", "same bytes", "held")
    rows = [
        (r.mode, r.kills, r.lost, r.asked_twice, r.in_flight_at_kill, r.same_bytes, r.held)
        for r in kills
    ]
    for row in (heads, *rows):
        sys.stdout.write("  ".join(f"{cell!s:>11}" for cell in row) + "\n")
    for report in reports:
        if not isinstance(report, Report):
            sys.stdout.write(json.dumps(report.as_json()) + "\n")
        for problem in report.problems:
            sys.stdout.write(f"{report.mode}: {problem}\n")


if __name__ == "__main__":
    sys.exit(main())
