"""How soon the limit finds an endpoint's capacity, after that has changed by a factor of 8.

Real load: role models, ledger, gates and steward, inline and on two Ray workers, against an
endpoint that refuses and one that queues. `python -m benchmarks.limits --json`, or
`make bench-limits`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from bisect import bisect_left
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import orjson

from agents.llm import RoleModel, close_line
from benchmarks.crowded import Log, Shape, log_of, running
from domain.call import CallFailed, CallKey, Role
from domain.errors import BudgetReachedError
from domain.progress import silent
from domain.settings import BudgetSettings, EngineSettings, RoleSettings
from engine.pool import run_all

if TYPE_CHECKING:
    from agents.messages import Message
    from domain.journal import Journal

PLOT = Path(__file__).resolve().parent.parent / "docs" / "limits.svg"
_CALLS = 20
"""Calls of a session."""
_SHARE = 0.9
_STRETCH_S = 4.0
_START_S = {"inline": 2.0, "ray": 25.0}
"""Seconds of a run's deadline for its workers to start; Ray's have much to import."""


class TalkJob:
    """A session of a few calls, each of which holds what was said before."""

    def __init__(self, payload: bytes, journal: Journal) -> None:
        self._model = RoleModel(Role.CLIENT, RoleSettings.model_validate_json(payload), journal)

    async def run(self, item: bytes) -> bytes:
        """Play one session."""
        said: list[Message] = [{"role": "user", "content": f"I am {item.decode()}."}]
        for step in range(_CALLS):
            key = CallKey(session=item.decode(), draft=0, step=step, attempt=0)
            try:
                answer = await self._model.say(said, key, seed=step)
            except CallFailed as failed:
                return str(failed).encode()
            said += [{"role": "assistant", "content": answer.text}]
        return b"done"

    async def aclose(self) -> None:
        """Let go of connections."""
        await close_line()


def talk(payload: bytes, journal: Journal) -> TalkJob:
    """Make the job."""
    return TalkJob(payload, journal)


@dataclass(frozen=True)
class Change:
    """What came of one change of capacity."""

    share_of_new_capacity_after: float
    """Answers per second, of those that the new capacity allows, from 10 s or 30 round trips on."""
    seconds_to_90: float | None
    """After which 4 seconds together have 90% of it, with fewer than 3% refused or, where calls
    queue, a median latency of at most 1.5 times the unloaded one."""
    refused_share: float
    latency_over_unloaded: float
    """Median."""


def run(shape: Shape, kind: str, workers: int) -> Log:
    """Load an endpoint of `shape` for its three phases and return its log."""
    need = shape.low * shape.factor * 2
    engine = EngineSettings.model_validate(
        {"kind": kind, "workers": workers, "sessions_in_flight": -(-need // workers)}
    )
    most = int(3 * shape.phase_s * need / shape.latency_s / _CALLS)
    items = [(f"session-{n}", f"session-{n}".encode()) for n in range(most)]
    with running(shape) as root, tempfile.TemporaryDirectory() as folder:
        settings = RoleSettings(model="stub", base_url=f"{root}/v1", temperature=0.5)
        try:
            run_all(
                talk,
                settings.model_dump_json().encode(),
                items,
                Path(folder) / "ledger",
                engine,
                BudgetSettings(deadline_s=3 * shape.phase_s + _START_S[kind]),
                "limits",
                silent,
            )
        except BudgetReachedError:
            return log_of(root)
        raise RuntimeError("the sessions came to an end before the endpoint's phases did")


def judge(log: Log, shape: Shape, begin: float) -> Change:
    """Say what came of the change of capacity at `begin` seconds."""
    settle_s = max(10.0, 30 * shape.latency_s)
    mean_s = shape.latency_s * 2.718281828 ** (shape.sigma**2 / 2)
    full = shape.capacity(begin) / mean_s
    end = begin + shape.phase_s - 0.5
    answered, refused = _between(log, begin + settle_s, end)
    return Change(
        share_of_new_capacity_after=len(answered) / (end - begin - settle_s) / full,
        seconds_to_90=_settled(log, shape, begin, full),
        refused_share=refused / max(1, refused + len(answered)),
        latency_over_unloaded=median(answered) / shape.latency_s,
    )


def _between(log: Log, begin: float, end: float) -> tuple[list[float], int]:
    answered = log.answered[
        bisect_left(log.answered, [begin, 0.0]) : bisect_left(log.answered, [end, 0.0])
    ]
    return [took for _, took in answered], sum(begin <= at < end for at in log.refused)


def _settled(log: Log, shape: Shape, begin: float, full: float) -> float | None:
    """Return the seconds after which `_STRETCH_S` seconds together are as they should be."""
    for tenth in range(int(10 * (shape.phase_s - _STRETCH_S))):
        at = begin + tenth / 10
        answered, refused = _between(log, at, at + _STRETCH_S)
        if len(answered) < _SHARE * full * _STRETCH_S:
            continue
        fast = median(answered) <= 1.5 * shape.latency_s
        few = refused < 0.03 * (refused + len(answered))
        if fast if shape.queues else few:
            return tenth / 10
    return None


def measure(kinds: list[tuple[str, int]]) -> tuple[dict[str, dict[str, Change]], dict[str, Log]]:
    """Run every pair of engine and endpoint."""
    found, logs = {}, {}
    for kind, workers in kinds:
        for queues in (False, True):
            shape = Shape(queues=queues)
            name = f"{kind}_{workers}_{'queues' if queues else 'refuses'}"
            logs[name] = log = run(shape, kind, workers)
            found[name] = {
                "up": judge(log, shape, shape.phase_s),
                "down": judge(log, shape, 2 * shape.phase_s),
            }
    return found, logs


def draw(logs: dict[str, Log], path: Path) -> None:
    """Plot calls under way, capacity and throughput over time."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "limits"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(len(logs), 1, figsize=(9, 2.6 * len(logs)), sharex=True)
    for axis, (name, log) in zip(axes, logs.items(), strict=True):
        shape = Shape(queues=name.endswith("queues"))
        times = [tenth / 5 for tenth in range(int(15 * shape.phase_s) - 3)]
        starts = sorted(at - took for at, took in log.answered)
        ends = [at for at, _ in log.answered]
        under_way = [bisect_left(starts, at) - bisect_left(ends, at) for at in times]
        rate = [bisect_left(ends, at + 0.5) - bisect_left(ends, at - 0.5) for at in times]
        axis.step(times, [shape.capacity(at) for at in times], color="0.6", lw=2, label="capacity")
        axis.plot(times, under_way, lw=1.2, label="calls under way")
        axis.plot(times, [n * shape.latency_s for n in rate], lw=1.2, label="answers/s × latency")
        for at in log.refused:
            axis.axvline(at, ymax=0.06, color="tab:red", lw=0.5)
        kind, workers, what = name.split("_")
        axis.set_title(f"{kind}, {workers} worker(s); the endpoint {what} what is too much", size=9)
        axis.set_ylabel("calls")
        axis.set_ylim(bottom=0)
    axes[0].legend(loc="upper left", fontsize=8)
    axes[-1].set_xlabel("seconds (red marks: refused calls)")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure, print and, where asked to, plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--engine", choices=("inline", "ray", "both"), default="both")
    parser.add_argument("--plot", type=Path, nargs="?", const=PLOT, help="write the plot")
    asked = parser.parse_args()
    found, logs = measure(
        [one for one in (("inline", 1), ("ray", 2)) if asked.engine in (one[0], "both")]
    )
    if asked.plot:
        draw(logs, asked.plot)
    shown = {
        name: {way: asdict(change) for way, change in ways.items()} for name, ways in found.items()
    }
    text = orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode()
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
