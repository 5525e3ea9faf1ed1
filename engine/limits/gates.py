"""The ways into the endpoints that one worker uses: a gate at each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.limits.gate import EndpointGate
from engine.limits.sight import Bounds, Order, Seen, rates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from domain.errors import RehearsalError
    from domain.settings import RoleSettings

FIRST_LIMIT = 2
"""Calls that a worker may have under way before it was first told its limit."""


def alone(bounds: Bounds) -> Order:
    """What a worker does that has an endpoint to itself and no steward: what the run file says."""
    calls_per_s, tokens_per_s = rates(bounds, 1.0)
    return Order(bounds.ceiling, calls_per_s=calls_per_s, tokens_per_s=tokens_per_s)


class Gates:
    """One gate per endpoint.

    Without `alarm` there is no steward: each gate keeps the limit and the rates of the run file.
    """

    def __init__(self, alarm: Callable[[], None] | None = None) -> None:
        self._alarm = alarm
        self._gates: dict[str, EndpointGate] = {}

    def gate(self, endpoint: RoleSettings) -> EndpointGate:
        """Return the gate of `endpoint`."""
        bounds = Bounds(
            endpoint.concurrency, endpoint.requests_per_minute, endpoint.tokens_per_minute
        )
        gate = self._gates.get(endpoint.base_url)
        if gate is None:
            first = bounds.ceiling if self._alarm is None else min(FIRST_LIMIT, bounds.ceiling)
            gate = EndpointGate(bounds, first, self._alarm or (lambda: None))
            self._gates[endpoint.base_url] = gate
        gate.bounds = gate.bounds.narrower(bounds)
        if self._alarm is None:
            gate.obey(alone(gate.bounds))
        else:
            self._alarm()
        return gate

    def report(self, lag_s: float = 0.0) -> dict[str, Seen]:
        """Return what was seen at each endpoint since the last report."""
        return {base_url: gate.report(lag_s) for base_url, gate in self._gates.items()}

    def obey(self, orders: Mapping[str, Order]) -> None:
        """Hand the orders on."""
        for base_url, order in orders.items():
            self._gates[base_url].obey(order)

    def stop(self, error: RehearsalError) -> None:
        """Let nobody wait any longer: the run stops with `error`."""
        for gate in self._gates.values():
            gate.stop(error)

    def carry_on(self) -> None:
        """Go by the last orders where no steward answers."""
        for gate in self._gates.values():
            gate.carry_on()
