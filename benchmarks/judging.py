"""What one verdict costs: the judging graph with its engine, beside a plain loop that asks alike.

`python -m benchmarks.judging --json`, or `make bench-judging`. A lap of ours is what a large
evaluation costs beyond a small one, so that start-up falls out; naming the cases, looking up what
was judged before, the graph, the ledger and reading the rulings stay in.
"""

from __future__ import annotations

import argparse
import sys
from itertools import count
from statistics import median
from typing import TYPE_CHECKING

import orjson

from agents.forms import form_of
from agents.judge import judge_messages
from agents.pack import load_pack
from agents.structured import response_format
from benchmarks.answers import JUDGE
from benchmarks.campaign import scratch
from benchmarks.machine import machine
from benchmarks.meter import Lap, measured
from benchmarks.prose import Prose
from benchmarks.raw import RawLane
from benchmarks.stub import running_stub
from domain.progress import silent
from domain.record import HeldOutContext, Origin
from domain.settings import Settings
from domain.turn import Speaker, Turn
from evaluation.panel import panel_of
from evaluation.rounds import reply_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from domain.case import Subject

TURNS, REPLIES, CRITERIA = 8, 5, ("empathy", "relevance")
SMALL, LARGE = 20, 120
"""Scenarios of a small and of a large evaluation; each has `REPLIES` replies."""
IN_FLIGHT = 128
BAR = 4.0
"""Raw calls that a verdict may cost: the campaign engine's bar, see docs/performance.md."""
_SEEDS = count(1)


def settings_of(base_url: str) -> Settings:
    """Return a run whose judge is the stub."""
    judge = {"base_url": base_url, "model": JUDGE, "temperature": 0.0, "concurrency": IN_FLIGHT}
    return Settings.model_validate(
        {"name": "bench", "engine": {"kind": "inline"}, "roles": {"judge": judge}}
    )


def subjects(scenarios: int, prose: Prose) -> Iterator[Subject]:
    """Yield replies to conversations that nobody has heard before."""
    speakers = (Speaker.THERAPIST, Speaker.CLIENT)
    for number in range(scenarios):
        turns = tuple(
            Turn(index=at, speaker=speakers[at % 2], text=prose.piece(140)) for at in range(TURNS)
        )
        context = HeldOutContext(
            record_id=f"r{number}",
            topic="work",
            group=f"g{number}",
            origin=Origin.SYNTHETIC,
            turns=turns,
            reference="",
        )
        for _ in range(REPLIES):
            yield reply_of(context, prose.piece(160))


def judged(base_url: str, scenarios: int) -> Lap:
    """Have an evaluation judged that is unlike any before; return what it cost."""
    settings = settings_of(base_url)
    told = list(subjects(scenarios, Prose(next(_SEEDS))))
    with scratch() as folder:
        panel = panel_of(settings, load_pack("cbt"), folder)
        with measured(len(told) * len(CRITERIA)) as lap:
            cases = [case for one in told for case in panel.cases(one, CRITERIA)]
            rulings = panel.rule(cases, silent, "verdicts")
    if any(ruling.score is None for ruling in rulings):
        raise RuntimeError(f"the stub's verdicts were not read: {rulings[0]}")
    return lap


def tape(path: Path) -> Path:
    """Write the requests of verdicts as the plain loop sends them."""
    pack = load_pack("cbt")
    sessions = []
    for subject in subjects(LARGE // 4, Prose(0)):
        bodies = []
        for key in CRITERIA:
            criterion = pack.criterion(key)
            body = {
                "model": JUDGE,
                "messages": judge_messages(pack, criterion, subject),
                "max_tokens": 400,
                "temperature": 0.0,
                "seed": 1,
                "response_format": response_format(form_of(criterion, subject.kind)),
            }
            bodies.append(orjson.dumps(body).decode())
        sessions.append(bodies)
    path.write_bytes(orjson.dumps(sessions))
    return path


def measure(laps: int) -> dict[str, object]:
    """Return the figures: medians of laps of both, in turns."""
    with running_stub(revisions=0) as stub, scratch() as folder:
        folder.root.mkdir(parents=True)
        raw = RawLane(stub.base_url, tape(folder.root / "tape.json"), IN_FLIGHT)
        judged(stub.base_url, SMALL)
        ours, plain = [], []
        for _ in range(laps):
            plain.append(raw.lap().cpu_ms)
            large = judged(stub.base_url, LARGE)
            ours.append((large - judged(stub.base_url, SMALL)).cpu_ms)
    over = median(ours) / median(plain)
    return {
        "verdict_ms": round(median(ours), 3),
        "raw_ms": round(median(plain), 3),
        "verdict_over_raw": round(over, 2),
        "bar": BAR,
        "met": over <= BAR,
        "laps": {"verdict_ms": [round(one, 3) for one in ours],
                 "raw_ms": [round(one, 3) for one in plain]},
        "machine": machine(),
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--laps", type=int, default=5)
    asked = parser.parse_args()
    found = measure(asked.laps)
    if asked.json:
        sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        sys.stdout.write(
            f"a verdict {found['verdict_ms']} ms of CPU, a raw call {found['raw_ms']} ms: "
            f"{found['verdict_over_raw']} raw calls (bar {BAR})\n"
        )


if __name__ == "__main__":
    main()
