"""What it costs to serve several adapters: `python -m benchmarks.serving [--json]`.

Eight clients, each with one of three adapters, ask a server of ours over HTTP: all together
(`mixed`), one adapter's clients after the other's (`sequential`), or a single client (`one`). The
same requests, weights and server; laps are taken in turn; ratios are medians over the rounds. The
float32 legs serve in batches of a fixed shape. docs/evaluation.md has the figures.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import orjson

from benchmarks.machine import machine
from benchmarks.serving.bases import SIZES, make_base
from benchmarks.serving.laps import CLIENTS, EACH, TOKENS, requests
from benchmarks.serving.legs import measure
from benchmarks.serving.logits import logits_max_diff

PACKAGES = ("torch", "transformers", "peft", "llguidance", "aiohttp")


def run(sizes: list[str], repeats: int) -> dict[str, Any]:
    """Measure each size; the headline figures are the worst of them."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="bench-serving-") as scratch:
        for size in sizes:
            base = make_base(size, Path(scratch))
            found[size] = {
                "parameters": base.parameters,
                "logits_max_diff": logits_max_diff(base),
                **measure(base, Path(scratch) / size, repeats),
            }
    return {
        "mixed_over_sequential": min(one["mixed_over_sequential"] for one in found.values()),
        "logits_max_diff": max(one["logits_max_diff"] for one in found.values()),
        "sizes": found,
        "workload": {
            "clients": CLIENTS,
            "adapters": len({requests(client)[0]["model"] for client in range(CLIENTS)}),
            "requests_each": EACH,
            "max_tokens": TOKENS,
        },
        "machine": machine(PACKAGES),
    }


def _tables(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(width=110)
    ratios = Table(title=f"{CLIENTS} clients over 3 adapters: medians over the rounds")
    for heading in ("base", "parameters", "mixed/sequential", "by CPU", "mixed/one", "logits"):
        ratios.add_column(heading)
    for size, one in found["sizes"].items():
        ratios.add_row(
            size, f"{one['parameters'] / 1e6:.1f}M", f"{one['mixed_over_sequential']:.2f}",
            f"{one['mixed_over_sequential_cpu']:.2f}", f"{one['mixed_over_one']:.2f}",
            f"{one['logits_max_diff']:.1e}",
        )  # fmt: skip
    console.print(ratios)
    legs = Table(title="Legs: medians")
    for heading in ("base", "leg", "tokens/s", "tokens/CPU s", "range", "laps"):
        legs.add_column(heading)
    for size, one in found["sizes"].items():
        for name, leg in one["legs"].items():
            low, high = leg["range_per_cpu_s"]
            legs.add_row(
                size, name, f"{leg['tokens_per_s']:.0f}", f"{leg['tokens_per_cpu_s']:.0f}",
                f"{low:.0f}-{high:.0f}", str(leg["laps"]),
            )  # fmt: skip
        console.print(f"{size}: answers the same in any company: {_same(one)}")
    console.print(legs)
    console.print(f"machine: {found['machine']}", soft_wrap=True)


def _same(one: dict[str, Any]) -> str:
    same = one["answers_same_in_any_company"]
    return ", ".join(f"{precision} {'yes' if is_so else 'NO'}" for precision, is_so in same.items())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--repeats", type=int, default=5, help="counted laps of each leg")
    parser.add_argument("--size", choices=tuple(SIZES), action="append", help="one base only")
    asked = parser.parse_args()
    if asked.repeats < 1:
        parser.error("--repeats begins at 1")
    found = run(asked.size or list(SIZES), asked.repeats)
    if asked.json:
        sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        _tables(found)


if __name__ == "__main__":
    main()
