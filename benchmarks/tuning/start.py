"""How long `rehearsal train` takes to its first optimiser step, inline and with Ray."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from benchmarks.tuning.base import SIZES, make_base
from benchmarks.tuning.sessions import made_sessions, write_blend

ROOT = Path(__file__).resolve().parents[2]
BARS_S = {"inline": 12.0, "ray": 40.0}
"""Seconds wanted, on 2 free cores."""
PATIENCE_S = 120.0
LOOK_S = 0.02


def start(repeats: int, kinds: tuple[str, ...] = ("inline", "ray")) -> dict[str, Any]:
    """Start programs in turn; return seconds of wall time to the first step, by kind."""
    found: dict[str, list[float]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch) / "base"
        make_base(base, SIZES["toy"], "cpu")
        for number in range(repeats):
            for kind in kinds:
                found[kind].append(first_step_s(Path(scratch) / f"{kind}-{number}", base, kind))
    return {
        kind: {"seconds": median(times), "all": times, "bar": BARS_S[kind]}
        for kind, times in found.items()
    }


def first_step_s(run: Path, base: Path, kind: str) -> float:
    """Seconds from starting `rehearsal train` to its first step.

    Inline, the first checkpoint tells: with four steps there is one after each. With Ray it is the
    first line of the log that rank 0 writes.

    Raises:
        RuntimeError: The program ended, or time ran out, before there was a step.
    """
    run_file = prepare(run, base, kind)
    command = [sys.executable, "-m", "rehearsal", "train", str(run_file), "--run", str(run)]
    with (run / "said.txt").open("wb") as said:
        began = time.monotonic()
        program = subprocess.Popen(  # noqa: S603 - our own program
            command, stdout=said, stderr=said, cwd=ROOT, start_new_session=True
        )
        try:
            while time.monotonic() - began < PATIENCE_S:
                ended = program.poll() is not None
                if has_stepped(run / "training" / "real"):
                    return time.monotonic() - began
                if ended:
                    break
                time.sleep(LOOK_S)
        finally:
            _end(program)
    words = (run / "said.txt").read_text(encoding="utf-8", errors="replace")
    raise RuntimeError(f"no step within {PATIENCE_S:.0f} s of starting with {kind}: {words[-800:]}")


def prepare(run: Path, base: Path, kind: str) -> Path:
    """Write a blend and a run file; return the file."""
    blend = run / "blends" / "real"
    blend.mkdir(parents=True)
    write_blend(blend / "messages.jsonl", made_sessions(8, 1))
    said = {
        "name": run.name,
        "engine": {"kind": kind, "workers": 1},
        "training": {
            "base": str(base),
            "variants": ["real"],
            "supervised_tokens": 400,
            "tokens_per_step": 100,
            "max_length": 256,
        },
    }
    path = run / "start.yaml"
    path.write_text(yaml.safe_dump(said), encoding="utf-8")
    return path


def has_stepped(storage: Path) -> bool:
    """Say whether a step has been taken."""
    live = storage / "live.jsonl"
    if live.exists() and b"\n" in live.read_bytes():
        return True
    return any(storage.glob("checkpoint*"))


def _end(program: subprocess.Popen[bytes]) -> None:
    """Let it end by itself, as Ray must; end its own session if it does not."""
    try:
        program.wait(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(program.pid, signal.SIGTERM)
        program.wait()
