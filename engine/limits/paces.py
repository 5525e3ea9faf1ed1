"""The rates that a gate keeps: calls per second, and tokens per second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.limits.pace import Pace
from engine.limits.sight import FAILURES

if TYPE_CHECKING:
    from domain.call import CallResult, Reservation
    from engine.limits.sight import Order

BYTES_A_TOKEN = 4
"""What a request may cost before its usage is known; see `engine.spending.budget`."""

ROUNDING_S = 1e-6
"""A wait below this is none: a timer that is set to it may come a rounding error too early."""


class Paces:
    """What keeps calls from following one another too fast; `now` is monotonic seconds."""

    def __init__(self) -> None:
        self.kept: list[tuple[Pace, bool]] = []
        """Each, and whether it counts tokens; empty where no rate is set."""

    def set(self, order: Order, now: float) -> None:
        """Keep the rates of `order` from now on."""
        rates = ((order.calls_per_s, False), (order.tokens_per_s, True))
        before = {of_tokens: pace for pace, of_tokens in self.kept}
        self.kept = []
        for per_s, of_tokens in rates:
            if per_s is not None:
                pace = before.get(of_tokens) or Pace(per_s, now)
                pace.set(per_s, now)
                self.kept.append((pace, of_tokens))

    def take(self, call: Reservation, now: float) -> float:
        """Count a call that may be sent now and return 0, or else the seconds until it may."""
        wait = max(pace.wait(now) for pace, _ in self.kept)
        if wait > ROUNDING_S:
            return wait
        for pace, of_tokens in self.kept:
            pace.take(_tokens(call) if of_tokens else 1, now)
        return 0.0

    def settle(self, call: Reservation, result: CallResult | None, now: float) -> None:
        """Give back the tokens that were set aside for a call and not used."""
        used = 0
        if result is not None:
            used = result.usage.prompt_tokens + result.usage.completion_tokens
            if not used and result.outcome not in FAILURES:
                return  # an endpoint that does not say: what was set aside stands
        for pace, of_tokens in self.kept:
            if of_tokens:
                pace.take(used - _tokens(call), now)


def _tokens(call: Reservation) -> int:
    return call.request_bytes // BYTES_A_TOKEN + call.max_tokens
