"""What a run has left, held by its steward and leased to the workers in small amounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.spending.budget import NO_LIMIT, NOTHING, Spend, reached
from engine.spending.wallet import Grant

if TYPE_CHECKING:
    from domain.errors import RehearsalError
    from engine.spending.wallet import Account

_EASE = 4
"""A worker gets something to spare while it asks for less than a fourth of what is free."""


class Purse:
    """Grants what the budget still covers.

    What is spent, set aside for calls under way and kept at hand by all workers never exceeds the
    limits, so the run overspends only where a call costs more than was set aside for it. When a
    call asks for more than is free, it waits for others to return what they did not need; when
    nothing is outstanding any more, the budget is reached.
    """

    def __init__(self, limits: Spend, before: Spend = NOTHING) -> None:
        self._limits = limits
        self._gone = before
        """Spent in earlier runs, and by workers that have left."""
        self._claims: dict[int, Spend] = {}
        self._spent: dict[int, Spend] = {}
        self._over: RehearsalError | None = None

    @property
    def limited(self) -> bool:
        """Whether anything is limited."""
        return min(self._limits.calls, self._limits.tokens, self._limits.pico) < NO_LIMIT

    @property
    def spent(self) -> Spend:
        """What has been spent, earlier runs included."""
        return sum(self._spent.values(), self._gone)

    def answer(self, worker: int, account: Account) -> Grant:
        """Take a worker's account and grant it more."""
        self._claims[worker] = account.claim
        self._spent[worker] = account.spent
        if not self.limited:
            return Grant(NOTHING, spare=True)
        free = (self._limits - sum(self._claims.values(), self._gone)).most(NOTHING)
        spare = account.wanted.scaled(_EASE).fits(free)
        more = account.wanted if spare else self._scant(account, free)
        self._claims[worker] = account.claim + more
        return Grant(more, spare, self._over)

    def _scant(self, account: Account, free: Spend) -> Spend:
        """Grant the call that has waited longest; without cover, wait or say that it is over."""
        if account.head == NOTHING:
            return NOTHING
        if account.head.fits(free):
            return account.head
        if self.spent == sum(self._claims.values(), self._gone):
            self._over = self._over or reached(self._limits, self.spent, account.head)
        return NOTHING

    def leave(self, worker: int, spent: Spend) -> None:
        """Close the account of a worker that is gone and that spent `spent` in all."""
        self._claims.pop(worker, None)
        self._spent.pop(worker, None)
        self._gone += spent
