"""How a campaign grows: `python -m benchmarks.growth 100 1000 10000 100000`.

For each number of sessions, in processes of their own: a campaign on one Ray worker against the
stub without latency, in the shortest sessions there are (7 calls), is stopped by its budget just
before its end; then `campaign status` and `campaign resume` are run as a user runs them.

A line of JSON for each size is appended to `--lines`; a size that stands there already is not
measured again, so that a long series can be taken piece by piece. `--plot` draws them all.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from benchmarks.course import SHORTEST, Course
from benchmarks.drawing import draw
from benchmarks.machine import machine
from benchmarks.stub import running_stub

if TYPE_CHECKING:
    from benchmarks.stub import Stub

ROOT = Path(__file__).resolve().parent.parent

CHARTS = {
    "CPU per session, ms": {"cpu_ms_per_session": "driver and worker"},
    "memory at the end, MB": {"driver_end_mb": "driver", "worker_end_mb": "worker"},
    "seconds": {"resume_first_call_s": "resume: first call", "status_s": "status: answer"},
}


def measure(sessions: int, kind: str) -> dict[str, Any]:
    """Return what a campaign of `sessions` took; see `docs/performance.md` for the names."""
    with running_stub(SHORTEST.revisions) as stub, tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        played = _play(stub, sessions, folder, kind)
        stopped = _command("status", folder)
        stub.reset()
        begun = time.monotonic()
        resumed = _command("resume", folder)
        tally = stub.tally()
        if not tally.calls:
            raise RuntimeError("nothing was left to resume")
        finished = _command("status", folder)
        size = sum(path.stat().st_size for path in (folder / "ledger").rglob("*"))
    return {
        "sessions": sessions,
        **played,
        "status_s": stopped["wall_s"],
        "status_cpu_s": stopped["cpu_s"],
        "status_finished_s": finished["wall_s"],
        "resume_first_call_s": tally.first_s - begun,
        "resume_s": resumed["wall_s"],
        "resume_cpu_s": resumed["cpu_s"],
        "store_kb_per_session": size / sessions / 1000,
        "machine": machine(),
    }


def _play(stub: Stub, sessions: int, folder: Path, kind: str) -> dict[str, Any]:
    """Play all but the last sessions in a process of its own."""
    course = Course(stub.base_url, shape=SHORTEST, kind=kind)
    command = [sys.executable, "-m", "benchmarks.player", str(sessions), str(folder)]
    reply = subprocess.run(  # noqa: S603 - our own module
        command, input=course.to_json(), stdout=subprocess.PIPE, check=True, cwd=ROOT
    )
    played: dict[str, Any] = orjson.loads(reply.stdout.splitlines()[-1])
    return played


def _command(verb: str, folder: Path) -> dict[str, float]:
    """Run a verb of the command line; return its seconds, imports included."""
    cpu, wall = _children_s(), time.monotonic()
    subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "rehearsal", "campaign", verb, str(folder), "--json"],
        stdout=subprocess.DEVNULL,
        check=True,
        cwd=ROOT,
    )
    return {"cpu_s": _children_s() - cpu, "wall_s": time.monotonic() - wall}


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the series so far, the smallest campaign first."""
    lines = path.read_bytes().splitlines() if path.is_file() else []
    return sorted(map(orjson.loads, lines), key=lambda line: int(line["sessions"]))


def main() -> None:
    """Measure what is missing, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sessions", type=int, nargs="*", help="sizes; at least 100 each")
    parser.add_argument("--lines", type=Path, default=ROOT / "docs" / "growth.jsonl")
    parser.add_argument("--plot", type=Path, help="an SVG file, e.g. docs/growth.svg")
    parser.add_argument("--kind", choices=("ray", "inline"), default="ray")
    asked = parser.parse_args()
    known = {line["sessions"] for line in read_lines(asked.lines)}
    for sessions in asked.sessions:
        if sessions < 100:
            parser.error("a campaign of fewer than 100 sessions is all start-up")
        if sessions in known:
            continue
        line = orjson.dumps(measure(sessions, asked.kind))
        with asked.lines.open("ab") as lines:
            lines.write(line + b"\n")
        print(line.decode(), flush=True)  # noqa: T201
    if asked.plot:
        draw(read_lines(asked.lines), CHARTS, asked.plot)


if __name__ == "__main__":
    main()
