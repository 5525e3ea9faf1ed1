"""What a run may spend, shared out over its workers so that the total is never exceeded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.errors import BudgetReachedError

if TYPE_CHECKING:
    from domain.call import CallKey
    from domain.settings import BudgetSettings


@dataclass(frozen=True)
class Share:
    """Calls and tokens that one worker may still spend; None is no limit."""

    calls: int | None = None
    tokens: int | None = None


def shares(budget: BudgetSettings, spent: Share, workers: int) -> list[Share]:
    """Divide what is left of `budget` after `spent` over `workers`, as evenly as whole numbers go.

    Raises:
        BudgetReachedError: Nothing is left.
    """
    calls = _split(budget.calls, spent.calls or 0, workers)
    tokens = _split(budget.tokens, spent.tokens or 0, workers)
    if not any(calls[n] != 0 and tokens[n] != 0 for n in range(workers)):
        raise reached(Share(budget.calls, budget.tokens))
    return [Share(calls[n], tokens[n]) for n in range(workers)]


def _split(limit: int | None, spent: int, workers: int) -> list[int | None]:
    if limit is None:
        return [None] * workers
    each, rest = divmod(max(0, limit - spent), workers)
    return [each + (n < rest) for n in range(workers)]


def left(share: Share, spent: Share) -> Share | None:
    """Return what is left of a worker's share after `spent`, or None when nothing is."""
    calls = _split(share.calls, spent.calls or 0, 1)[0]
    tokens = _split(share.tokens, spent.tokens or 0, 1)[0]
    return None if 0 in (calls, tokens) else Share(calls, tokens)


def reached(limit: Share, where: str = "campaign.budget") -> BudgetReachedError:
    """Return the error that says that nothing more may be spent."""
    limits = {"calls": limit.calls, "tokens": limit.tokens}
    said = " and ".join(f"{most} {name}" for name, most in limits.items() if most is not None)
    return BudgetReachedError(
        "the budget is reached",
        where=where,
        expected=f"at most {said}",
        mend="Raise the budget and run `rehearsal campaign resume`; nothing is asked twice.",
    )


class Allowance:
    """Counts one worker's spending against its share.

    Calls are exact. A call's tokens are known only when it returns, so each call in flight is
    held to cost as much as the dearest seen so far; until the first one has returned, tokens
    can be exceeded by the calls already in flight.
    """

    def __init__(self, share: Share) -> None:
        self._share = share
        self._calls = 0
        self._tokens = 0
        self._in_flight = 0
        self._dearest = 0

    def permit(self, key: CallKey) -> None:
        """Count one more call.

        Raises:
            BudgetReachedError: It would exceed the share.
        """
        share = self._share
        over_calls = share.calls is not None and self._calls >= share.calls
        expected = self._tokens + (self._in_flight + 1) * self._dearest
        over_tokens = share.tokens is not None and (
            expected > share.tokens or self._tokens >= share.tokens
        )
        if over_calls or over_tokens:
            raise reached(share, where=f"call {key}, this worker's share of the budget")
        self._calls += 1
        self._in_flight += 1

    def settle(self, tokens: int) -> None:
        """Count the tokens of a call that has returned."""
        self._in_flight = max(0, self._in_flight - 1)
        self._tokens += tokens
        self._dearest = max(self._dearest, tokens)
