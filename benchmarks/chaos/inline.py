"""`engine: inline`: kills at every step's boundary, and at random moments."""

from __future__ import annotations

import signal
import time
from random import Random
from typing import TYPE_CHECKING

from benchmarks.chaos import forked
from benchmarks.chaos.report import Report, Witness, read_account
from benchmarks.chaos.stage import Size

if TYPE_CHECKING:
    from benchmarks.chaos.stage import Stage, Trial

STEPS = Size(sessions=3, exchanges=3, in_flight=1)
"""One session at a time: the k-th call is the same call in every run."""
CROWD = Size(sessions=16, exchanges=4, in_flight=4)


def every_boundary(stage: Stage, seed: int, kills: int | None) -> Report:
    """Kill once when each call has just been received, and once when it was just answered.

    The boundary after an answer is committed is the one at which the next call is received.

    Args:
        stage: Where runs are made.
        seed: Draws the boundaries where not all are wanted.
        kills: How many boundaries; None for all.
    """
    report = Report("boundaries")
    reference, calls, _ = in_peace(stage, "peace", STEPS)
    moments = [(at, k) for k in range(1, calls + 1) for at in ("received", "answered")]
    if kills is not None:
        moments = sorted(Random(seed).sample(moments, min(kills, len(moments))))
    for at, call in moments:
        trial = stage.trial("step", STEPS)
        witness = Witness(trial, report, reference)
        if not _kill(trial, at=at, call=call):
            report.problems.append(f"{trial.name}: ended before call {call} was {at}")
        witness.after_kill()
        _finish(trial, witness)
    return report


def random_moments(stage: Stage, seed: int, kills: int) -> Report:
    """Kill and resume runs, again and again, until there have been `kills` kills.

    Half of the moments are drawn over time, from the first instruction on; half are a random
    time after a random call, so that none is far from one.
    """
    report, random = Report("inline"), Random(seed)
    reference, calls, lasted_s = in_peace(stage, "peace", CROWD)
    while report.kills < kills:
        trial = stage.trial("random", CROWD)
        witness = Witness(trial, report, reference)
        while report.kills < kills and _kill(trial, **_moment(random, calls, lasted_s)):
            witness.after_kill()
        _finish(trial, witness)
    return report


def _moment(random: Random, calls: int, lasted_s: float) -> dict[str, object]:
    if random.random() < 0.5:
        return {"at": "time", "delay_s": random.uniform(0, lasted_s)}
    # A third of a run at most, so that a run is killed several times before it ends.
    at = random.choice(("received", "answered"))
    return {"at": at, "call": random.randint(1, calls // 3), "delay_s": random.uniform(0, 0.006)}


def in_peace(stage: Stage, kind: str, size: Size) -> tuple[bytes, int, float]:
    """Play a run undisturbed: its export, its number of calls, and how long it took."""
    trial = stage.trial(kind, size)
    begun = time.monotonic()
    code = forked.play(trial)
    export = trial.export()
    if code or export is None:
        raise RuntimeError(f"the run in peace ended with {code}: see {trial.account.parent}")
    calls = sum(line.event == "received" for line in read_account(trial))
    return export, calls, time.monotonic() - begun


def _kill(trial: Trial, **moment: object) -> bool:
    """Start or resume the run and have it killed; False where it ended before."""
    child = forked.start(trial)
    trial.arm(pid=child, **moment)
    code = forked.wait(child)
    trial.settle()
    if code not in (0, -signal.SIGKILL):
        raise RuntimeError(f"{trial.name} ended with {code}: see {trial.account.parent}")
    return code == -signal.SIGKILL


def _finish(trial: Trial, witness: Witness) -> None:
    code = forked.play(trial)
    if code:
        witness.report.problems.append(f"{trial.name}: the resumed run ended with {code}")
    witness.at_end()
