"""Ctrl-C as a count: the first asks a run to drain, the second to stop at once."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType, TracebackType

_LOOK_S = 0.25


class Interrupts:
    """Counts SIGINT while it is entered; outside the main thread it counts nothing.

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
        self._before: Any = None
        self._seen = False
        self._counting = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Self:
        """Start to count."""
        if self._counting:
            self._before = signal.signal(signal.SIGINT, self._note)
        if self._cancel is not None:
            threading.Thread(target=self._look, name="cancel", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give SIGINT back to whoever had it."""
        if self._counting:
            signal.signal(signal.SIGINT, self._before)
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
