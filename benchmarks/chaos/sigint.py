"""Ctrl-C: once drains, twice stops at once, and both can be resumed."""

from __future__ import annotations

import os
import signal
import time
from random import Random
from typing import TYPE_CHECKING

from benchmarks.chaos import forked
from benchmarks.chaos.inline import in_peace
from benchmarks.chaos.report import Report, Witness, read_account
from benchmarks.chaos.stage import Size
from domain.errors import ExitCode

if TYPE_CHECKING:
    from benchmarks.chaos.stage import Stage, Trial

FEW = Size(sessions=4, exchanges=3, in_flight=4)
_BETWEEN_S = 0.05
"""Seconds between two Ctrl-C; answers take longer, so that the second finds calls in flight."""


def sigint(stage: Stage, seed: int, kills: int) -> Report:
    """Interrupt runs once and twice in turn, and resume each.

    Args:
        stage: Where runs are made; its answers must take longer than `_BETWEEN_S`.
        seed: Draws the moments.
        kills: How many runs are interrupted.
    """
    report, random = Report("sigint"), Random(seed)
    reference, calls, _ = in_peace(stage, "peace", FEW)
    for number in range(kills):
        trial = stage.trial("sigint", FEW)
        witness = Witness(trial, report, reference)
        problem = _interrupt(trial, random.randint(1, calls - FEW.in_flight), times=1 + number % 2)
        if problem:
            report.problems.append(f"{trial.name}: {problem}")
        trial.settle()
        witness.after_kill()
        if code := forked.play(trial):
            report.problems.append(f"{trial.name}: the resumed run ended with {code}")
        witness.at_end()
    return report


def _interrupt(trial: Trial, call: int, times: int) -> str:
    """Interrupt a run when it makes its `call`-th call; say what it did wrong."""
    child = forked.start(trial)
    trial.arm(pid=child, at="received", call=call, signal=signal.SIGINT)
    if times > 1:
        while sum(line.event == "received" for line in read_account(trial)) < call:
            time.sleep(0.005)
        time.sleep(_BETWEEN_S)
        os.kill(child, signal.SIGINT)
    code = forked.wait(child)
    lines = read_account(trial)
    asked = {line.call for line in lines if line.event == "received"}
    lacking = len(asked - trial.recorded())
    if code != ExitCode.INTERRUPTED:
        return f"it ended with {code} instead of {int(ExitCode.INTERRUPTED)}"
    if times == 1 and lacking:
        return f"it was to drain, and {lacking} calls in flight are not in its ledger"
    if times == 1 and list(trial.folder.ledger.glob("*-wal")):
        return "it was to drain, and left its ledger open"
    if times > 1 and not lacking:
        return "it was to stop at once, and waited for its calls in flight"
    return ""
