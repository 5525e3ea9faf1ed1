"""The way into an endpoint for one worker: how many of its calls may be under way there.

What may be under way is ordered by the run's steward, which sees all workers. A gate acts by itself
on what cannot wait for the next order: a refused call's place is not given to another at once, and
nothing is sent before a Retry-After has passed.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from domain.call import Outcome
from domain.gate import is_refusal
from engine.limits.closing import Closing
from engine.limits.observer import Observer
from engine.limits.paces import Paces
from engine.limits.sight import FAILURES, TIMED, Order
from engine.limits.silence import Silence

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from domain.call import CallResult, Reservation
    from domain.errors import RehearsalError
    from engine.limits.sight import Bounds, Seen

    Turn: TypeAlias = asyncio.Future[CallResult | None]

EXCUSED_ROW = 3
"""From so many failures in a row on, with no answer between, the endpoint is at fault and not the
calls: a call that fails by itself is one among others that succeed."""
SOON_SHARE = 0.125
"""Of the limit: in the first fast start, so many answers are told at once. Waiting for the next
report made each of its round trips up to a third longer at 300 ms."""


class _Waiter(NamedTuple):
    """A call that stands in line."""

    turn: Turn
    """None once it has a place; how it ended, where it gives up; an error, where the run stops."""
    call: Reservation
    patience_s: float
    """How long it puts up with an endpoint that answers nothing."""
    since: float
    """When the endpoint first answered it nothing, by the gate's clock."""


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
        self._over = asyncio.Event()
        """Set once the run stops."""
        self._order = Order(limit)
        self._room = limit
        """Calls that may be under way now."""
        self._active = 0
        self._waiting: deque[_Waiter] = deque()
        self._held = 0
        """Places of refused calls, kept empty until the next order."""
        self._held_told = 0
        self._untold = 0
        """Answers of a fast start since the last report."""
        self._closing = Closing()
        self._silence = Silence()
        self._paces = Paces()
        self._timer: asyncio.TimerHandle | None = None
        self._observer = Observer(bounds, self._clock)

    @property
    def limit(self) -> int:
        """Calls that may be under way by the last order."""
        return self._order.limit

    @property
    def is_failing(self) -> bool:
        """Whether the endpoint's circuit is open by the last order."""
        return self._order.failing

    async def enter(
        self, call: Reservation, patience_s: float = inf, since: float | None = None
    ) -> CallResult | None:
        """Wait for a place.

        Args:
            call: The call.
            patience_s: Seconds that it puts up with an endpoint that answers nothing.
            since: When that began for it, by the running event loop's clock; None for now.

        Returns:
            None where it has a place; otherwise how it ended without.

        Raises:
            RehearsalError: The run stops meanwhile.
        """
        if self._active < self._room and not self._waiting and not self._paces.kept:
            self._active += 1
            seen = self._observer.seen
            if self._active > seen.demand:
                seen.demand = self._active
            return None
        return await self._stand_in_line(call, patience_s, since)

    async def _stand_in_line(
        self, call: Reservation, patience_s: float, since: float | None
    ) -> CallResult | None:
        if self._stopped is not None:
            raise self._stopped
        turn: Turn = asyncio.get_running_loop().create_future()
        began = self._clock() if since is None else since
        self._waiting.append(_Waiter(turn, call, patience_s, began))
        self._let_in()
        seen = self._observer.seen
        seen.demand = max(seen.demand, self._active + len(self._waiting))
        if not turn.done() and self._active >= self._room:
            seen.pressed = True
            if self._order.limit == 0:
                self._alarm()  # nothing was foreseen for this worker: ask for it
        try:
            return await turn
        except asyncio.CancelledError:
            if _has_place(turn):
                self.leave(call, None)  # the place was given in the same moment: hand it on
            raise

    async def rest(self, seconds: float) -> None:
        """Wait before a call is tried again, outside the line.

        Raises:
            RehearsalError: The run stops meanwhile.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()
        if self._stopped is not None:
            raise self._stopped

    def leave(self, call: Reservation, result: CallResult | None) -> None:
        """Give the place to the next who waits, and keep what the call has shown."""
        self._active -= 1
        if result is not None:
            if result.outcome in TIMED:
                self._observer.answered(call.role, result.latency_ms)
                if self._order.hasty and self._waiting:
                    self._untold += 1
                    if self._untold >= SOON_SHARE * self._order.limit:
                        self._alarm()
            elif result.outcome in FAILURES:
                self._failed(call, result)
            else:
                self._observer.came_back()
        if self._paces.kept:
            self._paces.settle(call, result, self._clock())
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
        if result.outcome is not Outcome.CONNECTION and len(self._observer.row_of) < 2:
            return False
        return self._order.failing or self._observer.row > EXCUSED_ROW

    def _failed(self, call: Reservation, result: CallResult) -> None:
        """Keep a refused call's place empty, and send nothing for as long as the endpoint asks."""
        self._observer.failed(call.key.session, result)
        refusal = is_refusal(result)
        self._held += refusal or self._order.failing
        if result.retry_after_s:
            self._closing.ask(result.retry_after_s, self._clock())
        if refusal or self._order.failing:
            self._fit()
            self._alarm()

    def _let_in(self) -> None:
        """Give places to those who wait, as far as limit and rates allow."""
        while self._waiting and self._active < self._room:
            first = self._waiting[0]
            if first.turn.done():
                self._waiting.popleft()
                continue
            if self._paces.kept and (wait := self._paces.take(first.call, self._clock())):
                self._wake_in(wait)
                return
            self._waiting.popleft()
            self._active += 1
            first.turn.set_result(None)

    def report(self, lag_s: float = 0.0) -> Seen:
        """Return what was seen since the last report, while the event loop was so late."""
        seen = self._observer.report(self.bounds, self._active, len(self._waiting), lag_s)
        now = self._clock()
        seen.retry_after_s = self._closing.report(now)
        if self._silence.is_known:
            waits = ((one.since, one.patience_s) for one in self._waiting)
            seen.overdue_s = self._silence.overdue_s(waits, now)
        self._held_told = self._held
        self._untold = 0
        self._observer.seen.pressed = self._active >= self._room and bool(self._waiting)
        return seen

    def obey(self, order: Order) -> None:
        """Do from now on what `order`, the answer to the last report, says."""
        now = self._clock()
        self._held = max(0, self._held - self._held_told)
        self._held_told = 0
        if order.cut != self._order.cut:
            self._observer.cut()
        self._closing.obey(order.closed_s, now)
        self._silence.hear(order, now)
        self._paces.set(order, now)
        self._order = order
        self._fit()
        self._let_in()
        if order.silent_s and self._waiting:
            self._give_up(now)

    def _give_up(self, now: float) -> None:
        """Let nobody wait any longer who has had enough of an endpoint that answers nothing.

        Others wait for a last try of it, which the next report asks for.
        """
        for one in self._waiting:
            if not one.turn.done() and self._silence.is_too_long(one.since, one.patience_s, now):
                one.turn.set_result(self._silence.failure(one.patience_s, now))
        self._waiting = deque(one for one in self._waiting if not one.turn.done())

    def carry_on(self) -> None:
        """Go by the last order where no steward answers."""
        self._held = self._held_told = 0
        limit = max(1, self._order.limit)
        self._order = replace(self._order, limit=limit, failing=False, silent_s=0.0)
        self._silence.hear(self._order, self._clock())
        self._fit()
        self._let_in()

    def stop(self, error: RehearsalError) -> None:
        """Let nobody wait any longer: the run stops with `error`."""
        self._stopped, self._room = error, 0
        self._over.set()
        while self._waiting:
            turn = self._waiting.popleft().turn
            if not turn.done():
                turn.set_exception(error)

    def _fit(self) -> None:
        """Work out how many calls may be under way now."""
        if self._stopped is not None:
            return
        until = self._closing.until
        if until and (wait := until - self._clock()) > 0:
            self._room = 0
            self._wake_in(wait)
            return
        # A worker that has a share always keeps a place, so that refusals cannot end its run.
        least = 0 if self._order.failing else min(1, self._order.limit)
        self._room = max(least, self._order.limit - self._held)

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


def _has_place(turn: Turn) -> bool:
    """Whether a call that stood in line was let in."""
    if not turn.done() or turn.cancelled() or turn.exception() is not None:
        return False
    return turn.result() is None


def _clock() -> Callable[[], float]:
    """The running event loop's clock, which is monotonic."""
    try:
        return asyncio.get_running_loop().time
    except RuntimeError:
        return time.monotonic
