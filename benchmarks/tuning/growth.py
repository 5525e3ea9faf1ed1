"""How preparing and training grow with the number of sessions, and the plot of it."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import torch

from benchmarks.lanes import Lane
from benchmarks.meter import cpu_s
from benchmarks.tuning.base import SIZES, make_base
from benchmarks.tuning.bout import Bout
from benchmarks.tuning.lap import highest_mb, resident_mb
from benchmarks.tuning.sessions import made_sessions, write_blend
from domain.settings import LoraSettings, TrainingSettings
from training.loop import take_step
from training.material import plan_of
from training.models import hush
from training.opening import begin
from training.ranks import Ranks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corpus.chatform import Message

CHARTS = {
    "CPU per token trained, ms": {"train_ms_per_token": "measured steps"},
    "CPU to plan a session, ms": {"plan_ms_per_session": "render, tokenise, lay out"},
    "peak memory above imports, MB": {"plan_mb": "after planning", "train_mb": "at the end"},
}
POOL, LENGTH = 400, 13
"""Sessions that are repeated, each cut to so many messages: 1e5 whole ones would be all waiting."""
SUPERVISED = 50
"""Supervised tokens of a session that the plan allows for, so that it goes over all of them."""
WARM, STEPS = 1, 4
"""Steps for warming up, and steps that are measured."""


@dataclass(frozen=True)
class Grown:
    """What a number of sessions took."""

    sessions: int
    planned_steps: int
    tokens: int
    """Of the measured steps."""
    plan_ms_per_session: float
    """CPU to render, tokenise and lay out, per session."""
    train_ms_per_token: float
    """CPU of the measured steps."""
    plan_mb: float
    """Peak memory after laying out, above that of the process after its imports."""
    train_mb: float
    """The same after the measured steps."""


class GrowthLeg:
    """Plans for all the sessions and takes a few steps."""

    def __init__(self, bout: Bout) -> None:
        hush()
        torch.set_num_threads(bout.threads)
        self._bout = bout

    def lap(self, sessions: int) -> Grown:
        """Measure once; the process is not to be used again."""
        job, ranks, start = self._bout.job, Ranks(), resident_mb()
        began = cpu_s()
        plan = plan_of(job)
        planned = cpu_s() - began
        plan_mb = highest_mb() - start
        trainee = begin(job, ranks)
        for number in range(WARM):
            take_step(job, ranks, trainee, plan.steps[number], len(plan.steps))
        began, tokens = cpu_s(), 0
        for number in range(WARM, WARM + STEPS):
            step = plan.steps[number]
            take_step(job, ranks, trainee, step, len(plan.steps))
            tokens += sum(map(len, step))
        return Grown(
            sessions=sessions,
            planned_steps=len(plan.steps),
            tokens=tokens,
            plan_ms_per_session=1000 * planned / sessions,
            train_ms_per_token=1000 * (cpu_s() - began) / tokens,
            plan_mb=plan_mb,
            train_mb=highest_mb() - start,
        )


def grow(counts: list[int], lines: Path) -> list[dict[str, Any]]:
    """Measure the numbers that are not in `lines` yet, each in a process of its own."""
    for count in counts:
        if count not in {int(one["sessions"]) for one in read_lines(lines)}:
            with lines.open("ab") as file:
                file.write(orjson.dumps(asdict(_measure(count))) + b"\n")
    return read_lines(lines)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the series so far, the smallest number first."""
    found = path.read_bytes().splitlines() if path.is_file() else []
    return sorted(map(orjson.loads, found), key=lambda one: int(one["sessions"]))


def varied(count: int) -> Iterator[list[Message]]:
    """Repeat a pool of sessions; no two are the same."""
    pool = [session[:LENGTH] for session in made_sessions(POOL, 2)]
    for number in range(count):
        first, *rest = pool[number % POOL]
        said = dict(first)["content"]
        yield [{"role": first["role"], "content": f"{said} Session {number}."}, *rest]


def _measure(count: int) -> Grown:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_base(folder / "base", SIZES["6m"], "cpu")
        write_blend(folder / "messages.jsonl", varied(count))
        settings = TrainingSettings(
            lora=LoraSettings(r=16), supervised_tokens=SUPERVISED * count, tokens_per_step=500
        )
        blend = str(folder / "messages.jsonl")
        bout = Bout(str(folder / "base"), blend, "", "", settings, 0, scratch)
        with Lane("benchmarks.tuning.growth:GrowthLeg", bout) as lane:
            grown: Grown = lane.lap(count)
    return grown
