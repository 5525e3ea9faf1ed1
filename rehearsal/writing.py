"""One writer per run folder, and what is said when it is stopped."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from domain.errors import InterruptedRunError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.runfolder import RunFolder


@contextmanager
def writing(folder: RunFolder, again: str = "") -> Iterator[None]:
    """Hold the run's lock while a stage writes there.

    Args:
        folder: The run.
        again: The command that goes on after Ctrl-C; empty where nothing is left half done.

    Raises:
        StoreError: Another process writes to the run; it is named.
        InterruptedRunError: Ctrl-C, where `again` says how to go on.
    """
    from engine.lock import RunLock

    with RunLock(folder.lock):
        try:
            yield
        except KeyboardInterrupt:
            if not again:
                raise
            raise InterruptedRunError(
                "stopped; what was done is kept", where=str(folder.root), mend=f"To go on: {again}"
            ) from None
