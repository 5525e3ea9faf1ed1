"""A worker's purse: what it may spend without asking, what is set aside for calls under way."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.spending.budget import NOTHING, Spend, at_most, cost_of, late
from engine.spending.cohort import Cohort

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.call import CallKey, CallRow, Reservation
    from domain.errors import RehearsalError
    from domain.price import Price

Place = tuple[str, int, int, int]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a wallet is told once: what roles pay, and what is limited at all."""

    prices: Mapping[str, Price]
    limited: bool
    deadline_s: float | None
    """Seconds of the run."""
    seconds_left: float | None
    """Seconds until no new call is made."""


@dataclass(frozen=True, slots=True)
class Account:
    """A wallet's state when it reports."""

    spent: Spend
    """By calls that have returned."""
    claim: Spend
    """Spent, set aside and kept at hand: what was granted and is not in here is given back."""
    head: Spend
    """What the call that has waited longest lacks; nothing when none waits."""
    wanted: Spend
    """What all that wait lack, and some to spare."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A purse's answer to an account."""

    more: Spend
    spare: bool
    """Whether the wallet may keep something at hand for the calls to come."""
    over: RehearsalError | None = None
    """Why nothing more may be spent."""


class Wallet:
    """Permits calls and settles them; belongs to one event loop.

    What a call can cost at most is set aside before it is made, and what it did cost is settled
    when it returns. A call for which nothing is at hand waits in line until the purse grants it or
    says that the budget is reached.
    """

    def __init__(self) -> None:
        self.asks = asyncio.Event()
        """Set while a call waits that has not been reported."""
        self.spent = NOTHING
        self.cohort = Cohort()
        self._terms: Terms | None = None
        self._known = asyncio.Event()
        self._deadline: float | None = None
        self._granted = NOTHING
        self._aside = NOTHING
        self._held: dict[Place, tuple[Spend, float]] = {}
        self._line: deque[tuple[Spend, asyncio.Future[None]]] = deque()
        self._stretch: dict[str, float] = {}
        self._demand = NOTHING
        self._spare = True
        self._over: RehearsalError | None = None

    @property
    def needs_steward(self) -> bool:
        """Whether nothing may be spent without a steward's leave."""
        return self._terms is None or self._terms.limited

    @property
    def over(self) -> RehearsalError | None:
        """Why no call is permitted any more, if so."""
        return self._over

    def agree(self, terms: Terms) -> None:
        """Take the terms, once."""
        if self._terms is None:
            self._terms = terms
            if terms.seconds_left is not None:
                self._deadline = time.monotonic() + terms.seconds_left
            self._known.set()

    async def permit(self, call: Reservation) -> None:
        """Set aside what `call` may cost, waiting for it where need be.

        Raises:
            BudgetReachedError: The run may spend no more, or its time is over.
            RehearsalError: The run is being stopped.
        """
        if self._terms is None:
            await self._known.wait()
        self._refuse()
        terms = self._terms
        if terms is None or not terms.limited:
            return
        cost = at_most(call, terms.prices.get(call.role._value_))
        stretch = self._stretch.get(call.role._value_, 1.0)
        if stretch > 1.0:
            cost = cost.scaled(stretch)
        self._demand += cost
        if self._line or not self._take(cost):
            await self._queue(cost)
            self._refuse()
        self._held[_place(call.key)] = cost, stretch

    async def _queue(self, cost: Spend) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append((cost, turn))
        self.asks.set()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._aside -= cost  # it was given in the same moment
                self._serve()
            raise

    def settle(self, row: CallRow) -> Spend:
        """Put what a call did cost in the place of what was set aside; return it."""
        prices = self._terms.prices if self._terms is not None else {}
        cost = cost_of(row, prices.get(row.role._value_))
        self.spent += cost
        self.cohort.paid(row.key.session, cost, row.result.outcome._value_)
        held = self._held.pop(_place(row.key), None) if self._held else None
        if held is not None:
            aside, stretch = held
            self._aside -= aside
            if not cost.fits(aside):
                self._learn(row.role._value_, cost, aside, stretch)
        if self._line:
            self._serve()
        return cost

    def _learn(self, role: str, cost: Spend, aside: Spend, stretch: float) -> None:
        """An endpoint that does not keep to `max_tokens` is believed to do so again."""
        over = max(cost.tokens / max(1, aside.tokens), cost.pico / max(1, aside.pico))
        self._stretch[role] = max(self._stretch.get(role, 1.0), stretch * over)

    def account(self) -> Account:
        """Say how things stand, giving back what is not needed."""
        self.asks.clear()
        used = self.spent + self._aside
        spare = self._demand.scaled(2.0)
        self._demand = NOTHING
        at_hand = (self._granted - used).most(NOTHING)
        waiting, head = self._waiting()
        # Where little is left, all goes back: what several keep for calls that it does not cover
        # would be spent by none.
        kept = at_hand.least(waiting + spare) if self._spare else NOTHING
        self._granted = used + kept
        lacking = (waiting + spare - kept).most(NOTHING)
        return Account(self.spent, self._granted, (head - kept).most(NOTHING), lacking)

    def _waiting(self) -> tuple[Spend, Spend]:
        """Return what all calls in line need, and the first."""
        total, head = NOTHING, NOTHING
        for cost, turn in self._line:
            if not turn.done():
                head = cost if head == NOTHING else head
                total += cost
        return total, head

    def receive(self, grant: Grant) -> None:
        """Take a grant and let calls through that it covers."""
        self._granted += grant.more
        self._spare = grant.spare
        if grant.over is not None:
            self.stop(grant.over)
        self._serve()

    def stop(self, error: RehearsalError) -> None:
        """Refuse every call that waits or is to come."""
        self._over = self._over or error
        self._known.set()
        while self._line:
            _, turn = self._line.popleft()
            if not turn.done():
                turn.set_exception(self._over)

    def beat(self) -> None:
        """Look at the clock: calls in line learn that the time is over."""
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self.stop(self._late())

    def _refuse(self) -> None:
        if self._over is not None:
            raise self._over
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise self._late()

    def _late(self) -> RehearsalError:
        deadline = self._terms.deadline_s if self._terms is not None else None
        return late(deadline or 0.0)

    def _take(self, cost: Spend) -> bool:
        if not (self.spent + self._aside + cost).fits(self._granted):
            return False
        self._aside += cost
        return True

    def _serve(self) -> None:
        """Let calls through in their order as far as the grants reach."""
        while self._line:
            cost, turn = self._line[0]
            if not turn.done():
                if not self._take(cost):
                    return
                turn.set_result(None)
            self._line.popleft()


def open_wallet() -> Wallet:
    """Return a wallet without limits, for ledgers that no steward looks after."""
    wallet = Wallet()
    wallet.agree(Terms({}, limited=False, deadline_s=None, seconds_left=None))
    return wallet


def _place(key: CallKey) -> Place:
    return key.session, key.draft, key.step, key.attempt
