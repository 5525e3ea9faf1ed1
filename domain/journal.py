"""What a model client writes its calls in, as the client sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from domain.call import CallKey, CallResult, CallRow, Reservation
    from domain.gate import Gate
    from domain.settings import RoleSettings


class Journal(Protocol):
    """Where calls are written: recalled on resume, recorded before use."""

    def recall(self, key: CallKey, request_hash: str) -> CallResult | None:
        """Return the recorded result of `key`, or None if it was never asked.

        Raises:
            ResumeRefusedError: The recorded request differs from the one about to be sent.
        """
        ...

    def gate(self, endpoint: RoleSettings) -> Gate:
        """Return the way into `endpoint`, which every call to it goes through."""
        ...

    async def permit(self, call: Reservation) -> None:
        """Allow a new call and set aside what it may cost, until `record` says what it did.

        Raises:
            BudgetReachedError: The run may spend no more.
            InterruptedRunError: The run is being stopped.
        """
        ...

    async def record(self, row: CallRow) -> None:
        """Write `row`; return once it is committed.

        Raises:
            StoreError: The row cannot be stored: disk full, or a newer run owns the store.
        """
        ...
