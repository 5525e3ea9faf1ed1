"""The way into an endpoint: how many calls may be under way there, and how fast they may follow."""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING, Protocol

from domain.call import Outcome

if TYPE_CHECKING:
    from domain.call import CallResult, Reservation

OVERLOADED = ("HTTP 503", "HTTP 529")
"""How the details of server errors begin that say "too much at the moment": 503 by RFC 9110,
15.6.4; 529 as Anthropic's API answers when it is overloaded."""

LEAST_PATIENCE_S = 60.0
"""Whatever `patience_s` says, calls wait so long at an endpoint that is left alone: as long as the
longest pause between two tries of it, and as a limit per minute asks for."""

UNSENT = "not sent: "
"""How the detail of a call begins that its gate has given up, for the endpoint's silence: it says
nothing of the call, and whoever is next would meet the same."""


class Gate(Protocol):
    """One endpoint's limit, as seen by whoever calls it; shared by all who do."""

    async def enter(
        self, call: Reservation, patience_s: float = ..., since: float | None = ...
    ) -> CallResult | None:
        """Wait until one more call may be sent; each entry is followed by one `leave`.

        Args:
            call: The call.
            patience_s: Seconds that it puts up with an endpoint that answers nothing.
            since: When that began for it, by the running event loop's clock; None for now.

        Returns:
            None where it may be sent; otherwise how it ended without: it was not let in.

        Raises:
            InterruptedRunError, BudgetReachedError: The run stops while the call waits.
        """
        ...

    def leave(self, call: Reservation, result: CallResult | None) -> None:
        """Say how the call ended, or None where it was given up before an answer."""
        ...

    async def rest(self, seconds: float) -> None:
        """Wait before a call is tried again, outside the line.

        Raises:
            InterruptedRunError, BudgetReachedError: The run stops meanwhile.
        """
        ...

    def excuses(self, result: CallResult) -> bool:
        """Whether a failure says something of the endpoint and nothing of the call."""
        ...

    @property
    def is_failing(self) -> bool:
        """Whether the endpoint is left alone since it answers nothing.

        `enter` says when a call has had enough of that.
        """
        ...


class OpenGate:
    """A gate that lets every call through at once."""

    async def enter(
        self, call: Reservation, patience_s: float = inf, since: float | None = None
    ) -> CallResult | None:
        """Do not wait."""
        return None

    async def rest(self, seconds: float) -> None:
        """Wait; nobody stops it."""
        await asyncio.sleep(seconds)

    def leave(self, call: Reservation, result: CallResult | None) -> None:
        """Learn nothing."""

    def excuses(self, result: CallResult) -> bool:
        """Only a refusal for being too many is never the call's fault."""
        return is_refusal(result)

    @property
    def is_failing(self) -> bool:
        """It does not know."""
        return False


def is_refusal(result: CallResult) -> bool:
    """Whether the endpoint took the call for one too many: it may be repeated when there is room.

    Source: RFC 6585, 4 (429), and `OVERLOADED`.
    """
    if result.outcome is Outcome.RATE_LIMITED:
        return True
    return result.outcome is Outcome.SERVER_ERROR and result.detail.startswith(OVERLOADED)
