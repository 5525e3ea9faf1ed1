"""A training worker killed for real: `python -m benchmarks.killed_worker --plot FILE.svg`.

The sample transcripts are taken in and blended, and the tiny base is trained on them twice on a
local Ray: once undisturbed, once with the rank's process killed (SIGKILL) in the middle of an
interval between two checkpoints. Both curves go to a JSON file; `--plot` draws them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.deaths import Killer
from benchmarks.machine import machine
from corpus.blend import blend
from corpus.ingest import ingest
from corpus.signoff import sign_off
from domain.runfolder import RunFolder
from domain.settings import Settings
from engine import cluster
from rehearsal.runs import cache_root
from training.base import ensure_base
from training.live import LiveLog
from training.run import train_variants
from training.summary import read_log

ROOT = Path(__file__).resolve().parent.parent
STEPS, CHECKPOINTS = 60, 6
INTERVAL = STEPS // CHECKPOINTS
SETTINGS = Settings.model_validate(
    {
        "name": "killed-worker",
        "corpus": {"transcripts": str(ROOT / "examples" / "transcripts"), "licence": "Apache-2.0"},
        "training": {
            "variants": ["real"],
            "learning_rate": 0.01,
            "max_length": 512,
            "supervised_tokens": STEPS * 500,
            "tokens_per_step": 500,
            "checkpoints": CHECKPOINTS,
        },
    }
)


class Clock:
    """Notes when each step appears in the live log; a context manager."""

    def __init__(self, log: Path) -> None:
        self.seen: list[dict[str, float]] = []
        self._log, self._over = LiveLog(log), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Clock:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()
        began = self.seen[0]["s"] if self.seen else 0.0
        for row in self.seen:
            row["s"] = round(row["s"] - began, 2)

    def _run(self) -> None:
        while not self._over.wait(0.01):
            self._look()

    def _look(self) -> None:
        for row in self._log.new_rows():
            self.seen.append({"step": row["step"], "loss": row["loss"], "s": time.monotonic()})


def measure() -> dict[str, Any]:
    """Train twice; return both logs as they were written, and what the death cost."""
    base = ensure_base(cache_root().resolve() / "base")
    cluster.start(SETTINGS.engine)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            whole, _ = _train(RunFolder(Path(scratch) / "whole"), base, None)
            broken, at = _train(RunFolder(Path(scratch) / "broken"), base, 3 * INTERVAL + 4)
            logs = [
                read_log(Path(scratch) / name / "adapters" / "real") for name in ("whole", "broken")
            ]
    finally:
        cluster.stop()
    times = Counter(row["step"] for row in broken)
    apart = [abs(one["loss"] - other["loss"]) for one, other in zip(*logs, strict=True)]
    return {
        "steps": STEPS,
        "interval": INTERVAL,
        "killed_at_step": at,
        "repeated_steps": sum(many - 1 for many in times.values()),
        "largest_difference_in_loss": max(apart),
        "undisturbed": whole,
        "killed": broken,
        "machine": machine(),
    }


def _train(
    folder: RunFolder, base: Path, kill_at: int | None
) -> tuple[list[dict[str, float]], int | None]:
    ingest(ROOT / "examples" / "transcripts", folder, SETTINGS.corpus)
    sign_off(folder, "the project (every person in the samples is invented)")
    blend(SETTINGS, folder)
    log = folder.training / "real" / "live.jsonl"
    with Clock(log) as clock:
        if kill_at is None:
            train_variants(SETTINGS, folder, base)
            return clock.seen, None
        with Killer(log, kill_at) as killer:
            train_variants(SETTINGS, folder, base)
    if killer.killed is None:
        raise RuntimeError("nothing was killed")
    return clock.seen, killer.at


def plot(found: dict[str, Any], path: Path) -> None:
    """Draw the loss by step, and the steps over time."""
    from evaluation.style import LOSS, WIN, new_figure

    figure = new_figure(2.7)
    curve, course = figure.subplots(1, 2)
    runs = (("undisturbed", WIN, "-", 4.0), ("killed", LOSS, "--", 1.4))
    for name, colour, line, width in runs:
        rows = found[name]
        last = {row["step"]: row["loss"] for row in rows}
        label = "undisturbed" if name == "undisturbed" else "worker killed"
        faint = 0.45 if name == "undisturbed" else 1.0
        curve.plot(
            list(last), list(last.values()), line, color=colour, lw=width, alpha=faint, label=label
        )
        course.plot(
            [row["s"] for row in rows], [row["step"] for row in rows], line, color=colour, lw=1.6,
            label=label,
        )  # fmt: skip
    for step in range(found["interval"], found["steps"] + 1, found["interval"]):
        course.axhline(step, lw=0.5, ls=":", color="#8a8a92")
    curve.axvline(found["killed_at_step"], lw=0.8, ls=":", color="#8a8a92")
    curve.set(title="Loss, nats per token", xlabel="step")
    course.set(title="Step (dotted: checkpoints)", xlabel="seconds since the first step")
    curve.legend()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure unless there are numbers already, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, default=ROOT / "docs" / "training-kill.json")
    parser.add_argument("--draw-only", action="store_true", help="draw the numbers that are there")
    parser.add_argument("--plot", type=Path, help="an SVG file, e.g. docs/training-kill.svg")
    asked = parser.parse_args()
    if not asked.draw_only:
        asked.json.write_text(json.dumps(measure()) + "\n", encoding="utf-8")
    found = json.loads(asked.json.read_text(encoding="utf-8"))
    told = ("steps", "interval", "killed_at_step", "repeated_steps", "largest_difference_in_loss")
    print(json.dumps({name: found[name] for name in told}))  # noqa: T201
    if asked.plot:
        plot(found, asked.plot)


if __name__ == "__main__":
    main()
