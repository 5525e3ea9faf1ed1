"""The way into an endpoint: how many calls may be under way there, and how fast they may follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from domain.call import CallResult, Reservation


class Gate(Protocol):
    """One endpoint's limit, as seen by whoever calls it; shared by all who do."""

    async def enter(self, call: Reservation) -> None:
        """Wait until one more call may be sent; each entry is followed by one `leave`.

        Raises:
            InterruptedRunError, BudgetReachedError: The run stops while the call waits.
        """
        ...

    def leave(self, result: CallResult | None) -> None:
        """Say how the call ended, or None where it was given up before an answer."""
        ...


class OpenGate:
    """A gate that lets every call through at once."""

    async def enter(self, call: Reservation) -> None:
        """Do not wait."""

    def leave(self, result: CallResult | None) -> None:
        """Learn nothing."""
