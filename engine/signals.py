"""Ctrl-C as a count: the first asks a run to drain, the second to stop at once.

SIGTERM counts as one: schedulers, containers and `timeout` send it before they kill.

Python runs a handler once for all the signals that came since it last looked, and while it waits
for Ray it looks twice a second: two Ctrl-C in a row would be one. So a thread counts them as they
come, by the bytes that Python's own handler in C writes at each.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

_LOOK_S = 0.25
_COUNTED = (signal.SIGINT, signal.SIGTERM)
_ONE_S = 0.02
"""Signals that come closer are one: `timeout` sends SIGTERM twice, to its child and to the group
that it is in. Nobody presses as fast."""
_BYTES = 4096


class _Tally:
    """The bytes that Python writes as signals come, as a count; made in the main thread.

    Args:
        tell: Called by its thread when it has counted one.
    """

    def __init__(self, tell: Callable[[], object] | None) -> None:
        self._tell = tell
        self._total = 0
        self._last = -_ONE_S
        self._counting = threading.Lock()
        self._left = False
        self._read, self._write = os.pipe()
        for end in (self._read, self._write):
            os.set_blocking(end, False)
        self._woken_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._go_on, name="signals", daemon=True)
        self._thread.start()

    def count(self) -> int:
        """Return how many have come so far."""
        with self._counting, suppress(BlockingIOError):  # nothing since the last time
            came = os.read(self._read, _BYTES)
            now = time.monotonic()
            if any(one in came for one in _COUNTED):
                self._total += now - self._last >= _ONE_S
                self._last = now
        return self._total

    def _go_on(self) -> None:
        while not self._left:
            select.select([self._read], [], [])
            before = self._total
            if self.count() > before and self._tell is not None:
                self._tell()

    def close(self) -> int:
        """Give up the bytes; return how many have come in all."""
        signal.set_wakeup_fd(self._woken_before)
        total = self.count()
        self._left = True
        os.write(self._write, b"\0")
        self._thread.join()
        os.close(self._read)
        os.close(self._write)
        return total


class Interrupts:
    """Counts SIGINT and SIGTERM while it is entered; outside the main thread it counts nothing.

    Args:
        tell: Called at each one, from a thread.
        cancel: A file that counts as one as soon as it is there: `campaign cancel` puts it there,
            from whatever machine sees the folder. It is removed in the end, once it has been seen:
            one that came too late stands for the run's next round.
    """

    def __init__(
        self, tell: Callable[[], object] | None = None, cancel: Path | None = None
    ) -> None:
        self._signals = 0
        self._tell = tell
        self._cancel = cancel
        self._left = threading.Event()
        self._before: dict[signal.Signals, Any] = {}
        self._tally: _Tally | None = None
        self._seen = False
        self._counting = threading.current_thread() is threading.main_thread()

    @property
    def count(self) -> int:
        """How many have come so far."""
        return (self._signals if self._tally is None else self._tally.count()) + self._seen

    def __enter__(self) -> Self:
        """Start to count."""
        if self._counting:
            self._tally = _Tally(self._tell)
            self._before = {one: signal.signal(one, _heard) for one in _COUNTED}
        if self._cancel is not None:
            threading.Thread(target=self._look, name="cancel", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the signals back to whoever had them."""
        for one, before in self._before.items():
            # None: a handler that is not Python's, such as Ray's, which cannot be put back.
            signal.signal(one, signal.SIG_DFL if before is None else before)
        if self._tally is not None:
            tally, self._tally = self._tally, None
            self._signals = tally.close()
        self._left.set()
        if self._cancel is not None and self._seen:
            self._cancel.unlink(missing_ok=True)

    def _look(self) -> None:
        """Wait for the file."""
        while self._cancel is not None and not self._left.wait(_LOOK_S):
            if self._cancel.exists():
                self._seen = True
                if self._tell is not None:
                    self._tell()
                return


def _heard(*_: object) -> None:
    """A handler of Python's has to be there for the bytes to be written; they say it all."""
