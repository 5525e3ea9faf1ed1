"""The ways into the endpoints that one worker uses: how many calls may be under way at each.

What may be under way is ordered by the run's steward, which sees all workers. A gate acts by itself
on what cannot wait for the next order: a refused call's place is not given to another at once, and
nothing is sent before a Retry-After has passed.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from domain.call import Outcome
from domain.gate import is_refusal
from engine.limits.pace import Pace
from engine.limits.sight import Bounds, Order, Seen, Timing, rates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from domain.call import CallResult, Reservation
    from domain.errors import RehearsalError
    from domain.settings import RoleSettings

FIRST_LIMIT = 2
"""Calls that a worker may have under way before it was first told its limit."""

BYTES_A_TOKEN = 4
"""What a request may cost before its usage is known; see `engine.spending.budget`."""

ROUNDING_S = 1e-6
"""A wait below this is none: a timer that is set to it may come a rounding error too early."""

EXCUSED_ROW = 3
"""From so many failures in a row on, with no answer between, the endpoint is at fault and not the
calls: a call that fails by itself is one among others that succeed."""

FAILURES = frozenset(
    {Outcome.RATE_LIMITED, Outcome.SERVER_ERROR, Outcome.TIMEOUT, Outcome.CONNECTION}
)
"""Outcomes without an answer."""


class EndpointGate:
    """A first-come-first-served limit that the roles at one endpoint share.

    A session has one call at a time, so that a line in order of arrival is as fair to sessions as
    taking turns; no role can keep another out. Belongs to one event loop.

    Args:
        bounds: What the run file allows there.
        limit: Calls under way at most, until an order says otherwise.
        alarm: Called when a steward should hear of something at once.
    """

    def __init__(
        self, bounds: Bounds, limit: int, alarm: Callable[[], None] = lambda: None
    ) -> None:
        self.bounds = bounds
        self._alarm = alarm
        self._clock = _clock()
        self._stopped: RehearsalError | None = None
        self._order = Order(limit)
        self._room = limit
        """Calls that may be under way now."""
        self._active = 0
        self._waiting: deque[tuple[asyncio.Future[None], Reservation]] = deque()
        self._held = 0
        """Places of refused calls, kept empty until the next order."""
        self._held_told = 0
        self._closed_until = 0.0
        self._fresh_from = 0.0
        self._row = 0
        """Failures since the last answer."""
        self._row_of: set[str] = set()
        """Whose they are: up to two sessions."""
        self._paces: list[tuple[Pace, bool]] = []
        """Rates to keep, and whether each counts tokens; empty where none is set."""
        self._timer: asyncio.TimerHandle | None = None
        self._reported_at = self._clock()
        self._seen = Seen(bounds)
        self._set_paces(Order(limit), self._clock())

    @property
    def limit(self) -> int:
        """Calls that may be under way by the last order."""
        return self._order.limit

    async def enter(self, call: Reservation) -> None:
        """Wait for a place.

        Raises:
            RehearsalError: The run stops meanwhile.
        """
        if self._active < self._room and not self._waiting and not self._paces:
            self._active += 1
            if self._active > self._seen.demand:
                self._seen.demand = self._active
            return
        await self._stand_in_line(call)

    async def _stand_in_line(self, call: Reservation) -> None:
        if self._stopped is not None:
            raise self._stopped
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, call))
        self._let_in()
        self._seen.demand = max(self._seen.demand, self._active + len(self._waiting))
        if not turn.done() and self._active >= self._room:
            self._seen.pressed = True
            if self._order.limit == 0:
                self._alarm()  # nothing was foreseen for this worker: ask for it
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.leave(call, None)  # the place was given in the same moment: hand it on
            raise

    def leave(self, call: Reservation, result: CallResult | None) -> None:
        """Give the place to the next who waits, and keep what the call has shown."""
        self._active -= 1
        if result is not None:
            if result.outcome in FAILURES:
                self._failed(call, result)
            else:
                self._answered(call, result)
        if self._paces:
            self._settle(call, result)
        if self._waiting:
            self._let_in()

    def excuses(self, result: CallResult) -> bool:
        """Whether a failure says something of the endpoint and nothing of the call.

        An endpoint that is reached and fails the same session again and again may well answer
        others: a request that breaks it must not hold the last of a campaign for `patience_s`.
        """
        if is_refusal(result):
            return True
        if result.outcome not in FAILURES:
            return False
        if result.outcome is not Outcome.CONNECTION and len(self._row_of) < 2:
            return False
        return self._order.failing or self._row > EXCUSED_ROW

    def _answered(self, call: Reservation, result: CallResult) -> None:
        seen, role, latency_ms = self._seen, call.role, result.latency_ms
        self._row = seen.trailing = 0
        self._row_of.clear()
        seen.answers[role] = seen.answers.get(role, 0) + 1
        timings = seen.timings
        if self._fresh_from and self._clock() - latency_ms / 1000 < self._fresh_from:
            timings = seen.stale
        timing = timings.get(role)
        if timing is None:
            timing = timings[role] = Timing()
        timing.count(latency_ms)

    def _failed(self, call: Reservation, result: CallResult) -> None:
        seen, refusal = self._seen, is_refusal(result)
        self._row += 1
        if len(self._row_of) < 2:
            self._row_of.add(call.key.session)
        seen.failed += 1
        seen.trailing += 1
        fresh = self._clock() - result.latency_ms / 1000 >= self._fresh_from
        if result.outcome is Outcome.TIMEOUT:
            seen.timeouts += 1
            seen.timeouts_fresh += fresh
        seen.errors[result.outcome] = seen.errors.get(result.outcome, 0) + 1
        seen.last_error = result.detail
        if refusal:
            seen.refused += 1
            seen.refused_fresh += fresh
        self._held += refusal or self._order.failing
        if result.retry_after_s:
            self._closed_until = max(self._closed_until, self._clock() + result.retry_after_s)
        if refusal or self._order.failing:
            self._fit()
            self._alarm()

    def _let_in(self) -> None:
        """Give places to those who wait, as far as limit and rates allow."""
        while self._waiting and self._active < self._room:
            turn, call = self._waiting[0]
            if turn.done():
                self._waiting.popleft()
                continue
            if self._paces and not self._keeps_pace(call):
                return
            self._waiting.popleft()
            self._active += 1
            turn.set_result(None)

    def _keeps_pace(self, call: Reservation) -> bool:
        now = self._clock()
        wait = max(pace.wait(now) for pace, _ in self._paces)
        if wait > ROUNDING_S:
            self._wake_in(wait)
            return False
        for pace, of_tokens in self._paces:
            pace.take(_tokens(call) if of_tokens else 1, now)
        return True

    def _settle(self, call: Reservation, result: CallResult | None) -> None:
        """Give back the tokens that were set aside and not used."""
        used = 0
        if result is not None:
            used = result.usage.prompt_tokens + result.usage.completion_tokens
            if not used and result.outcome not in FAILURES:
                return  # an endpoint that does not say: what was set aside stands
        for pace, of_tokens in self._paces:
            if of_tokens:
                pace.take(used - _tokens(call), self._clock())

    def report(self, lag_s: float = 0.0) -> Seen:
        """Return what was seen since the last report, while the event loop was so late."""
        seen, now = self._seen, self._clock()
        seen.bounds = self.bounds
        seen.lag_s = lag_s
        seen.within_s, self._reported_at = now - self._reported_at, now
        seen.in_flight = self._active
        seen.waiting = len(self._waiting)
        seen.retry_after_s = max(0.0, self._closed_until - now)
        self._held_told = self._held
        self._seen = Seen(self.bounds, demand=seen.in_flight + seen.waiting)
        self._seen.pressed = self._active >= self._room and bool(self._waiting)
        return seen

    def obey(self, order: Order) -> None:
        """Do from now on what `order`, the answer to the last report, says."""
        now = self._clock()
        self._held = max(0, self._held - self._held_told)
        self._held_told = 0
        if order.cut != self._order.cut:
            self._fresh_from = now
        self._closed_until = now + order.closed_s if order.closed_s > 0 else 0.0
        self._set_paces(order, now)
        self._order = order
        self._fit()
        self._let_in()

    def carry_on(self) -> None:
        """Go by the last order where no steward answers."""
        self._held = self._held_told = 0
        self._order = replace(self._order, limit=max(1, self._order.limit), failing=False)
        self._fit()
        self._let_in()

    def stop(self, error: RehearsalError) -> None:
        """Let nobody wait any longer: the run stops with `error`."""
        self._stopped, self._room = error, 0
        while self._waiting:
            turn, _ = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(error)

    def _fit(self) -> None:
        """Work out how many calls may be under way now."""
        if self._stopped is not None:
            return
        wait = self._closed_until - self._clock() if self._closed_until else 0.0
        if wait > 0:
            self._room = 0
            self._wake_in(wait)
            return
        # A worker that has a share always keeps a place, so that refusals cannot end its run.
        least = 0 if self._order.failing else min(1, self._order.limit)
        self._room = max(least, self._order.limit - self._held)

    def _set_paces(self, order: Order, now: float) -> None:
        rates = ((order.calls_per_s, False), (order.tokens_per_s, True))
        kept = {of_tokens: pace for pace, of_tokens in self._paces}
        self._paces = []
        for per_s, of_tokens in rates:
            if per_s is not None:
                pace = kept.get(of_tokens) or Pace(per_s, now)
                pace.set(per_s, now)
                self._paces.append((pace, of_tokens))

    def _wake_in(self, wait: float) -> None:
        """Look again in `wait` seconds; where it is for ever, the next order does."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if wait < float("inf"):
            self._timer = asyncio.get_running_loop().call_later(wait, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._fit()
        self._let_in()


def _clock() -> Callable[[], float]:
    """The running event loop's clock, which is monotonic."""
    try:
        return asyncio.get_running_loop().time
    except RuntimeError:
        return time.monotonic


def _tokens(call: Reservation) -> int:
    return call.request_bytes // BYTES_A_TOKEN + call.max_tokens


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
