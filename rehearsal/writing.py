"""One writer per run folder, and what is said when a stage is stopped."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from domain.errors import BudgetReachedError, InterruptedRunError, RehearsalError
from rehearsal.playing import RESUME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.runfolder import RunFolder


THE_SAME = "give the same command again"
"""How a verb goes on whose arguments are not repeated to its caller."""


@contextmanager
def going_on(folder: RunFolder, again: str = THE_SAME, budget: str = "") -> Iterator[None]:
    """Have a stage that is stopped say how it goes on: the engine knows only campaigns.

    Args:
        folder: The run.
        again: The command that goes on.
        budget: The key in the run file that bounds the stage; empty where the error names it.

    Raises:
        InterruptedRunError: Ctrl-C.
        RehearsalError: What the stage raises, with its own way on in the mend.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedRunError(
            "stopped; what was done is kept", where=str(folder.root), mend=f"to go on: {again}"
        ) from None
    except InterruptedRunError as error:
        error.where = error.where or str(folder.root)
        error.mend = f"to go on: {again}; nothing that was recorded is asked twice"
        raise
    except BudgetReachedError as error:
        if budget:
            error.where = budget
            error.mend = f"raise it in the run file, then: {again}; nothing is paid twice"
        raise
    except RehearsalError as error:
        error.mend = error.mend.replace(
            RESUME, "the same command" if again == THE_SAME else f"`{again}`"
        )
        raise


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
