"""Runs a command and ends it, with all that it has started, when whoever started us is gone.

`python -m evaluation.candidates.guard COMMAND…`, standard input held open by the one who starts
it: a server that outlived a killed evaluation would go on holding a GPU's memory.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

GRACE_S = 20.0
"""From asking a command to end until it is ended."""


def main(command: list[str]) -> int:
    """Run `command` until it ends or is told to; return its exit code."""
    child = subprocess.Popen(  # noqa: S603 - what our caller asked for, no shell
        command, stdin=subprocess.DEVNULL, start_new_session=True
    )

    def end(*_: object) -> None:
        _tell(child, signal.SIGTERM)
        timer = threading.Timer(GRACE_S, _tell, (child, signal.SIGKILL))
        timer.daemon = True
        timer.start()

    def watch() -> None:
        os.read(sys.stdin.fileno(), 1)
        end()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    threading.Thread(target=watch, daemon=True).start()
    code = child.wait()
    _tell(child, signal.SIGKILL)  # workers that a server which crashed has left behind
    return code if code >= 0 else 128 - code


def _tell(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to the command and to all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
