"""Ends a rank's process for real, at a step that one chooses."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import psutil

from training.live import LiveLog

if TYPE_CHECKING:
    from pathlib import Path

RANK = "RayTrainWorker"
"""What Ray calls the process of a rank."""


def ranks() -> list[int]:
    """Process ids of all ranks under this process."""
    return [
        process.pid
        for process in psutil.Process().children(recursive=True)
        if RANK in " ".join(_command(process))
    ]


class Killer:
    """Kills one rank as soon as the live log has reached `step`; a context manager."""

    def __init__(self, log: Path, step: int) -> None:
        self._log, self._step = log, step
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.killed: int | None = None
        self.at: int = 0
        """The last step in the log when it was killed."""

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        log = LiveLog(self._log)
        while not self._over.wait(0.005):
            rows = log.new_rows()
            self.at = int(rows[-1]["step"]) if rows else self.at
            if self.at >= self._step:
                self.killed = ranks()[0]
                os.kill(self.killed, signal.SIGKILL)
                return


class Counting:
    """Counts the ranks there are while it is held; a context manager."""

    def __init__(self) -> None:
        self.most = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Counting:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.2):
            self.most = max(self.most, len(ranks()))


def _command(process: psutil.Process) -> list[str]:
    try:
        command: list[str] = process.cmdline()
    except psutil.Error:  # it ended meanwhile
        return []
    return command
