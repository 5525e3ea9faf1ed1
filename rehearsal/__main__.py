"""The program's first lines: `rehearsal`, and `python -m rehearsal`.

Ctrl-C and SIGTERM are heard before anything is loaded, which takes a second.
"""

from __future__ import annotations

import signal
import sys

_INTERRUPTED = 130
"""`domain.errors.ExitCode.INTERRUPTED`, which is not loaded yet."""


def main() -> None:
    """Load the program and run it; whoever stops it meanwhile is answered as later on."""
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        from rehearsal.cli import main as run
    except KeyboardInterrupt:
        if "--json" in sys.argv:
            sys.stdout.write(
                '{"error":{"exit_code":130,"kind":"Interrupted","what":"interrupted"}}\n'
            )
        sys.exit(_INTERRUPTED)
    run()


if __name__ == "__main__":
    main()
