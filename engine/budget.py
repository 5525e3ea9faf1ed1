"""What a run may spend, shared out over its workers.

Calls are counted before they are made: no more are made than the budget allows. What a call costs
in tokens is known only when it returns: tokens can be exceeded by the calls in flight. What a
worker had in flight when it was killed is in no ledger and counts as nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.errors import BudgetReachedError
from engine.rows import UNANSWERED

if TYPE_CHECKING:
    from domain.call import CallKey, CallRow
    from domain.settings import BudgetSettings


CHARS_A_TOKEN = 4
"""An estimate, for endpoints that report no usage: about four characters of English make a token
(source: OpenAI's help centre, "What are tokens and how to count them?")."""


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


def tokens_of(row: CallRow) -> int:
    """Return a call's tokens, prompt and completion.

    Where the endpoint reports none for a call that a model saw, this is an estimate from the
    length of request and answer, see `CHARS_A_TOKEN`: a budget must not stand still there.
    """
    usage, result = row.result.usage, row.result
    reported = usage.prompt_tokens + usage.completion_tokens
    if reported or result.outcome in UNANSWERED:
        return reported
    size = len(row.request) + len(result.text) + len(result.reasoning)
    return -(-size // CHARS_A_TOKEN)


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
    held to cost as much as the dearest seen so far. Tokens can be exceeded by the calls in flight
    before the first one has returned, and by a call that is dearer than any before it.
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
