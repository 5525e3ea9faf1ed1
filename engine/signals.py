"""Ctrl-C as a count: the first asks a run to drain, the second to stop at once."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType


class Interrupts:
    """Counts SIGINT while it is entered; outside the main thread it counts nothing.

    Args:
        tell: Called at each one, from the signal's handler.
    """

    def __init__(self, tell: Callable[[], object] | None = None) -> None:
        self.count = 0
        self._tell = tell
        self._before: Any = None
        self._counting = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Self:
        """Start to count."""
        if self._counting:
            self._before = signal.signal(signal.SIGINT, self._note)
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

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        if self._tell is not None:
            self._tell()
