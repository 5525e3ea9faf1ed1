"""Lives of the command line that start in milliseconds: forked from a parent that has imported all.

A child calls `rehearsal.cli.run`, which is what the `rehearsal` command calls; what it lacks is
only the seconds of CPU that importing takes. The parent has one thread and no event loop.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.chaos.stage import Trial

_NEEDED = ("rehearsal.cli", "rehearsal.campaign", "rehearsal.embedded", "rehearsal.runfile",
           "campaigns.run", "campaigns.worker", "rich.progress", "engine.pool")  # fmt: skip


def prepare() -> None:
    """Import what a campaign needs, once for all children."""
    for name in _NEEDED:
        importlib.import_module(name)
    gc.freeze()


def start(trial: Trial, arguments: list[str] | None = None) -> int:
    """Fork a child that runs the trial's command line; return its process id."""
    wanted = arguments or trial.arguments()
    log, variables = trial.account.with_suffix(".out"), trial.environment()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    code = 70
    # Whatever happens in here must end here, or two harnesses would go on.
    with contextlib.suppress(BaseException):
        code = _be_the_command(wanted, log, variables)
    os._exit(code)


def _be_the_command(arguments: list[str], log: Path, variables: dict[str, str]) -> int:
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.environ.clear()
    os.environ.update(variables)
    from rehearsal.cli import run, silence_telemetry

    silence_telemetry()
    # A shell that starts the harness in the background has it ignore Ctrl-C, and so its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return run(arguments)


def wait(child: int, timeout_s: float = 120.0) -> int:
    """Wait for a child; return its exit code, or minus the signal that ended it.

    Raises:
        TimeoutError: It still runs; it is killed first.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(child, 9)
            os.waitpid(child, 0)
            raise TimeoutError(f"process {child} did not end within {timeout_s:g} s")
        time.sleep(0.002)


def play(trial: Trial) -> int:
    """Play a trial on, undisturbed; return the exit code."""
    return wait(start(trial))


def output(trial: Trial, arguments: list[str]) -> str:
    """Run another command of the command line and return what it says."""
    log = trial.account.with_suffix(".out")
    before = log.stat().st_size if log.exists() else 0
    wait(start(trial, arguments))
    return log.read_bytes()[before:].decode(errors="replace")
