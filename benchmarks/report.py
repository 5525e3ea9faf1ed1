"""What a report costs: statistics, figures and pages from 1,000 verdicts that are there already.

    python -m benchmarks.report [--verdicts 1000] [--json]

Verdicts are invented (`tests.evaluation.invented`): what is measured is our own work, no judge's.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from evaluation.figures import draw_figures
from evaluation.report import render, render_markdown
from evaluation.reportdata import gather
from evaluation.statistics import summarise
from tests.evaluation.invented import CONTROLS, LEVELS, groups, verdicts
from tests.evaluation.invented_run import add_parts, make_run

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")
SAMPLES = 4000
"""The default of `evaluation.bootstrap_samples`."""


def measure(wanted: int, root: Path) -> dict[str, float | int]:
    """Return wall and CPU seconds of each part; the first use of a library is in the first part."""
    levels = LEVELS | CONTROLS
    scenarios = -(-wanted // (2 * len(levels)))
    settings, folder = make_run(root, scenarios=scenarios, levels=levels)
    add_parts(folder)
    found = verdicts(scenarios, levels)
    by_scenario = groups(scenarios)
    spent: dict[str, float | int] = {"verdicts": len(found)}
    _timed(spent, "statistics", lambda: summarise(found, by_scenario, samples=SAMPLES, seed=1))
    data, charts = _timed(spent, "gathering", lambda: gather(settings, folder))
    figures = _timed(spent, "figures", lambda: draw_figures(charts, root / "figures"))
    page = _timed(spent, "pages", lambda: render(data, figures, run="x"))
    render_markdown(data, run="x")
    parts = ("statistics", "gathering", "figures", "pages")
    spent["total_s"] = sum(spent[f"{part}_s"] for part in parts)
    spent["total_cpu_s"] = sum(spent[f"{part}_cpu_s"] for part in parts)
    spent |= {"figures_drawn": len(figures), "page_kb": len(page.encode()) // 1000}
    return spent


def _timed(spent: dict[str, float | int], name: str, work: Callable[[], Result]) -> Result:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    spent[f"{name}_s"] = time.perf_counter() - wall
    spent[f"{name}_cpu_s"] = time.process_time() - cpu
    return result


def main() -> None:
    """Measure once, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verdicts", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        spent = measure(asked.verdicts, Path(scratch))
    if asked.json:
        sys.stdout.write(json.dumps(spent) + "\n")
        return
    for name, value in spent.items():
        sys.stdout.write(f"{name:20} {value:10.2f}\n")


if __name__ == "__main__":
    main()
