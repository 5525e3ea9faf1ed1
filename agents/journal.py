"""A journal that keeps nothing, for calls that no run pays for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.gate import Gate, OpenGate

if TYPE_CHECKING:
    from domain.call import CallKey, CallResult, CallRow, Reservation
    from domain.settings import RoleSettings


class NullJournal:
    """Remembers no call and allows every one."""

    def recall(self, key: CallKey, request_hash: str) -> CallResult | None:
        """Return None: nothing was asked before."""
        return None

    def gate(self, endpoint: RoleSettings) -> Gate:
        """Return a way in that is always open."""
        return OpenGate()

    async def permit(self, call: Reservation) -> None:
        """Allow the call."""

    async def record(self, row: CallRow) -> None:
        """Forget the call."""
