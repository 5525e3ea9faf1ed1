"""A server in a process of its own: its command line and words in a log, its end with ours."""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

STOP_S = 30.0
WORDS = 6
"""Lines of a log that are shown of a server which died."""


@dataclass
class Process:
    """A server that was started."""

    running: subprocess.Popen[bytes]
    log: Path
    begun: int
    """Where its own words begin in the log, in bytes."""

    @property
    def ended(self) -> bool:
        """Whether it is gone."""
        return self.running.poll() is not None

    def last_words(self) -> str:
        """Return the end of what it wrote, the line that names an error before all others."""
        with self.log.open("rb") as stream:
            stream.seek(self.begun)
            lines = [line.strip() for line in stream.read().decode(errors="replace").splitlines()]
        said = [line for line in lines if line]
        named = [line for line in said if "Error" in line or "error:" in line]
        return " | ".join(dict.fromkeys([*named[-1:], *said[-WORDS:]])) if said else ""

    def stop(self) -> None:
        """End this process, and no other."""
        if self.running.stdin is not None:
            self.running.stdin.close()
        self.running.terminate()
        try:
            self.running.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait()


def start(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> Process:
    """Start a server; it sees that its standard input is closed when this process is gone.

    Args:
        command: Its words; written to the log first. Nothing secret may stand in it.
        log: Where it writes; appended to.
        environment: Variables on top of ours.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        stream.write(f"$ {shlex.join(command)}\n".encode())
        stream.flush()
        begun = stream.tell()
        running = subprocess.Popen(  # noqa: S603 - a server of the run file's choice, no shell
            command,
            stdin=subprocess.PIPE,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    return Process(running, log, begun)
