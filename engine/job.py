"""What the pool runs: a job made inside the worker, and how one item ended."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from domain.errors import RehearsalError

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.journal import Journal

    Factory = Callable[[bytes, Journal], "Job"]


class Done(NamedTuple):
    """An item's result, and the short word that finished items are counted by."""

    data: bytes
    label: str = ""
    stop: RehearsalError | None = None
    """What ends the run, now that this result is kept: what it shows will go on."""


class Job(Protocol):
    """Turns items into results. Built once per worker; runs many items at the same time."""

    async def run(self, item: bytes) -> bytes | Done:
        """Return the item's result. A failure that is part of the work is data in the result.

        With `Done` it has a label, such as `accepted`, by which `Store.tallies` counts.
        """
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True)
class ItemEnd:
    """How one item ended: with a result, or with the error that stopped it."""

    item: str
    result: bytes | None = None
    error: RehearsalError | None = None
    stop: RehearsalError | None = None
    """What ends the run though this item has its result."""


def explain(item: str, error: BaseException) -> RehearsalError:
    """Return `error` as one that names the item and crosses between processes."""
    if isinstance(error, RehearsalError):
        return error
    trace = "".join(traceback.format_exception(error)[-6:])
    return RehearsalError(
        f"an unexpected {type(error).__name__}: {error}",
        where=f"item {item}",
        got=trace.rstrip(),
        mend="What was recorded is kept and can be resumed. Please report the text above.",
    )
