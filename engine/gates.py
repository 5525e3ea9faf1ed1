"""The ways into the endpoints that one worker uses: how many calls may be under way at each."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain.call import CallResult, Reservation
    from domain.settings import RoleSettings


class EndpointGate:
    """A first-come-first-served limit that the roles at one endpoint share.

    Roles may ask for different limits at one endpoint; the smallest holds. Belongs to one event
    loop.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._active = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self, call: Reservation) -> None:
        """Wait for a place."""
        if self._active < self.limit and not self._waiting:
            self._active += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._free()  # the place was given in the same moment: hand it on
            raise

    def leave(self, result: CallResult | None) -> None:
        """Give the place to the next who waits."""
        self._free()

    def _free(self) -> None:
        self._active -= 1
        while self._waiting and self._active < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._active += 1
                turn.set_result(None)


class Gates:
    """One gate per endpoint."""

    def __init__(self) -> None:
        self._gates: dict[str, EndpointGate] = {}

    def gate(self, endpoint: RoleSettings) -> EndpointGate:
        """Return the gate of `endpoint`."""
        gate = self._gates.setdefault(endpoint.base_url, EndpointGate(endpoint.concurrency))
        gate.limit = min(gate.limit, endpoint.concurrency)
        return gate
