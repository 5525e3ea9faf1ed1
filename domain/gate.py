"""The way into an endpoint: how many calls may be under way there, and how fast they may follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from domain.call import Outcome

if TYPE_CHECKING:
    from domain.call import CallResult, Reservation

OVERLOADED = ("HTTP 503", "HTTP 529")
"""How the details of server errors begin that say "too much at the moment": 503 by RFC 9110,
15.6.4; 529 as Anthropic's API answers when it is overloaded."""


class Gate(Protocol):
    """One endpoint's limit, as seen by whoever calls it; shared by all who do."""

    async def enter(self, call: Reservation) -> None:
        """Wait until one more call may be sent; each entry is followed by one `leave`.

        Raises:
            InterruptedRunError, BudgetReachedError: The run stops while the call waits.
        """
        ...

    def leave(self, call: Reservation, result: CallResult | None) -> None:
        """Say how the call ended, or None where it was given up before an answer."""
        ...

    def excuses(self, result: CallResult) -> bool:
        """Whether a failure says something of the endpoint and nothing of the call."""
        ...


class OpenGate:
    """A gate that lets every call through at once."""

    async def enter(self, call: Reservation) -> None:
        """Do not wait."""

    def leave(self, call: Reservation, result: CallResult | None) -> None:
        """Learn nothing."""

    def excuses(self, result: CallResult) -> bool:
        """Only a refusal for being too many is never the call's fault."""
        return is_refusal(result)


def is_refusal(result: CallResult) -> bool:
    """Whether the endpoint took the call for one too many: it may be repeated when there is room.

    Source: RFC 6585, 4 (429), and `OVERLOADED`.
    """
    if result.outcome is Outcome.RATE_LIMITED:
        return True
    return result.outcome is Outcome.SERVER_ERROR and result.detail.startswith(OVERLOADED)
