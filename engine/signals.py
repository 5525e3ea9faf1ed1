"""Ctrl-C as a count: the first asks a run to drain, the second to stop at once.

SIGTERM counts as one: schedulers, containers and `timeout` send it before they kill.
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType, TracebackType

_LOOK_S = 0.25
_COUNTED = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Counts SIGINT and SIGTERM while it is entered; outside the main thread it counts nothing.

    Args:
        tell: Called at each one, from the signal's handler or a thread.
        cancel: A file that counts as one as soon as it is there: `campaign cancel` puts it there,
            from whatever machine sees the folder. It is removed in the end, once it has been seen:
            one that came too late stands for the run's next round.
    """

    def __init__(
        self, tell: Callable[[], object] | None = None, cancel: Path | None = None
    ) -> None:
        self.count = 0
        self._tell = tell
        self._cancel = cancel
        self._left = threading.Event()
        self._before: dict[signal.Signals, Any] = {}
        self._seen = False
        self._counting = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Self:
        """Start to count."""
        if self._counting:
            self._before = {one: signal.signal(one, self._note) for one in _COUNTED}
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
        self._left.set()
        if self._cancel is not None and self._seen:
            self._cancel.unlink(missing_ok=True)

    def _look(self) -> None:
        """Wait for the file."""
        while self._cancel is not None and not self._left.wait(_LOOK_S):
            if self._cancel.exists():
                self._seen = True
                self._note(0, None)
                return

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        if self._tell is not None:
            self._tell()
