"""What fine-tuning costs beside TRL and transformers: `python -m benchmarks.training [--json]`.

The same base, sequences, optimiser steps, rates and precision for our loop (`training.loop`, as
`rehearsal train` runs it), TRL's SFTTrainer packed (`bfd`) and padded, and transformers' Trainer.
Each leg is a process of its own; laps are taken in turn; figures are ratios of medians of
supervised tokens per CPU second. A ratio is printed only where the final losses are equal. With
`--keep FILE` a run can be stopped and taken up again. docs/training.md says what each figure means.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import orjson

from benchmarks.drawing import draw
from benchmarks.machine import machine
from benchmarks.tuning.card import RATE, Run, choices, on_card
from benchmarks.tuning.compare import LEGS, Asked, Kept, compare
from benchmarks.tuning.growth import CHARTS, grow
from benchmarks.tuning.start import start

GROWTH = Path(__file__).resolve().parent.parent / "docs" / "training-growth.jsonl"
LEAST_GROWN = 100
LEAST_STEPS = 3
TARGETS = {
    "over_trl_bfd": "at least 2.0",
    "over_trl_padded": "at least 2.4",
    "over_transformers": "",
    "peak_memory_over_trl_bfd": "at most 0.85",
}
PACKAGES = ("torch", "transformers", "peft", "trl", "datasets", "accelerate")


def _tables(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(width=130)
    ratios = Table(title="Training: supervised tokens per CPU second, ratios of medians")
    for heading in ("figure", "measured", "wanted"):
        ratios.add_column(heading)
    for key, wanted in TARGETS.items():
        ratios.add_row(key, f"{found[key]:.2f}" if key in found else "refused", wanted)
    console.print(ratios)
    for leg, why in found["refused"].items():
        console.print(f"no ratio over {leg}: {why}")
    legs = Table(title="Legs: medians")
    headings = (
        "leg", "supervised/CPU s", "range", "tokens/CPU s", "peak MB", "absolute MB", "loss",
        "laps",
    )  # fmt: skip
    for heading in headings:
        legs.add_column(heading)
    for leg in LEGS:
        one = found["legs"][leg]
        low, high = one["range"]
        legs.add_row(
            leg, f"{one['supervised_per_cpu_s']:.0f}", f"{low:.0f}-{high:.0f}",
            f"{one['tokens_per_cpu_s']:.0f}", f"{one['peak_mb']:.0f}",
            f"{one['peak_absolute_mb']:.0f}", f"{one['held_out_loss']:.4f}", f"{one['laps']}",
        )  # fmt: skip
    console.print(legs)
    for kind, tried in found["tried"].items():
        for one in tried:
            took = one["ms_per_token"]
            said = f"{took:.3f} ms of CPU a token" if took is not None else one["failed"]
            console.print(f"tried {kind}: {one['name']}: {said}")
    console.print(f"material: {found['material']}\nmachine: {found['machine']}", soft_wrap=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="3 repeats, fewer set-ups tried")
    parser.add_argument("--transcripts", type=Path, help="sessions to train on; else made here")
    parser.add_argument("--keep", type=Path, help="file to keep laps in and to go on from")
    parser.add_argument("--repeats", type=int, help="laps of each leg, counting those kept")
    parser.add_argument("--tokens", type=int, help="tokens of a lap, about")
    card = parser.add_argument_group("on a card, or a toy of it on a CPU")
    card.add_argument("--size", choices=("toy", "1b", "8b"), help="tokens a second and MFU")
    card.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    card.add_argument("--rate", type=float, default=RATE, help="learning rate of a large base")
    card.add_argument("--steps", type=int, help="optimiser steps of a lap, about")
    card.add_argument("--attention", help="try TRL with this one only, such as flex_attention")
    card.add_argument(
        "--choices", action="store_true", help="what each of our own choices is worth"
    )
    card.add_argument("--dry-run", action="store_true", help="say what would be done")
    other = parser.add_argument_group("other measurements")
    other.add_argument("--start", action="store_true", help="seconds to the first step")
    other.add_argument("--growth", type=int, nargs="+", metavar="N", help="numbers of sessions")
    other.add_argument("--lines", type=Path, default=GROWTH, help="series of --growth")
    other.add_argument("--plot", type=Path, help="with --growth: an SVG file to draw")
    return parser


def _wrong(asked: argparse.Namespace) -> str:
    """Say what does not go together; "" if all does."""
    if (asked.dry_run or asked.device != "cpu") and not asked.size:
        return "--device cuda and --dry-run want --size"
    if asked.repeats is not None and asked.repeats < 1:
        return "--repeats begins at 1"
    if asked.tokens is not None and asked.tokens < 1:
        return "--tokens begins at 1"
    if asked.steps is not None and not asked.size:
        return "--steps wants --size"
    if asked.steps is not None and asked.steps < LEAST_STEPS:
        return f"--steps begins at {LEAST_STEPS}: with fewer, warming up is all there is"
    if asked.growth and min(asked.growth) < LEAST_GROWN:
        return f"--growth begins at {LEAST_GROWN} sessions: fewer give too few steps"
    return ""


def _measure(asked: argparse.Namespace) -> dict[str, Any]:
    repeats = asked.repeats or (3 if asked.quick else 5)
    if asked.start:
        return start(repeats)
    if asked.growth:
        lines = grow(asked.growth, asked.lines)
        if asked.plot:
            draw(lines, CHARTS, asked.plot)
        return {"growth": lines}
    if asked.size:
        run = Run(
            asked.device,
            asked.size,
            asked.transcripts,
            repeats,
            asked.rate,
            asked.tokens,
            asked.steps,
            asked.attention,
        )
        if asked.dry_run:
            return run.plan()
        return choices(run) if asked.choices else on_card(run)
    tokens = asked.tokens or Asked.tokens
    wanted = Asked(asked.transcripts, tokens=tokens, repeats=repeats, quick=asked.quick)
    return compare(wanted, Kept(asked.keep))


def main() -> None:
    """Measure and print."""
    parser = _parser()
    asked = parser.parse_args()
    if wrong := _wrong(asked):
        parser.error(wrong)
    try:
        found = {**_measure(asked), "machine": machine(PACKAGES)}
    except ValueError as error:
        sys.exit(f"benchmarks.training: {error}")
    if asked.json or "legs" not in found or asked.size:
        sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        _tables(found)


if __name__ == "__main__":
    main()
