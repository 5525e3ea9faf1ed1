"""How often an attempt is repeated, and how long to wait before."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from domain.base import Noun, seed_of
from domain.call import RETRIED, Outcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agents.desk import Attempt
    from domain.call import CallKey, CallResult

SLACK = 0.1
"""Of a Retry-After: so much later do some come back, so that not all come at once."""

UNREACHED = frozenset(
    {Outcome.RATE_LIMITED, Outcome.SERVER_ERROR, Outcome.CONNECTION, Outcome.TIMEOUT}
)
"""Outcomes that may be the endpoint's fault alone."""

LESSONS = 6
"""How often a call is asked again because the endpoint refused one of its parameters."""


class Backoff(Noun):
    """Capped exponential backoff; all values in seconds.

    The wait is spread between half and the whole of its step by the call's key, not by a clock,
    so that sessions do not come back all at once and a run can be repeated.
    """

    first_s: float = 0.5
    cap_s: float = 30.0
    patience_s: float = 120.0
    """The longest Retry-After that a call waits for by itself. Where the endpoint refuses others as
    well, the rest of it is waited for at the gate, which closes."""

    def wait(self, failures: int, key: CallKey, result: CallResult) -> float:
        """Return the seconds to wait after the `failures`-th failure (from 1) at a step."""
        spread = seed_of("backoff", str(key)) / 2**32
        if result.retry_after_s is not None:
            return min(result.retry_after_s, self.patience_s) * (1 + SLACK * spread)
        step = min(self.cap_s, self.first_s * 2 ** min(failures - 1, 30))
        return float(step * (0.5 + spread / 2))


class Patience:
    """What is left to try at one step: retries, repairs and lessons, each with its own bound.

    An attempt that failed for the endpoint's sake, because it had too many calls or answered none,
    is no failure of the call: it is repeated for `patience_s` seconds, whatever the retries. Where
    the endpoint answers nobody, its gate says when it is enough: whoever was sent to try it does
    not lose its session by that. Once a call has been given up there, retries are no use.

    Args:
        retries: Failures of the call after which it may be tried again.
        repairs: Answers that do not fit after which it may be asked again.
        backoff: How long to wait before.
        patience_s: Seconds to put up with the endpoint's failures, from the first on.
        rest: Waits; raises where the run stops meanwhile.
    """

    def __init__(
        self,
        retries: int,
        repairs: int,
        backoff: Backoff,
        patience_s: float = 0.0,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.since: float | None = None
        """When the endpoint first failed the step, by the event loop's clock; None where it has
        not."""
        self._patience_s = patience_s
        self._rest = rest
        self._excused = 0
        self._retries = retries
        self._repairs = repairs
        self._lessons = LESSONS
        self._backoff = backoff
        self._failures = 0

    async def allows(self, attempt: Attempt, result: CallResult) -> bool:
        """Tell whether to try again, after having waited for it.

        A recalled attempt was waited for when it was made, and an answer that does not fit is
        shown to the model at once.

        Raises:
            InterruptedRunError, BudgetReachedError: The run stops meanwhile.
        """
        if attempt.given_up:
            return False
        if attempt.lesson is not None:
            self._lessons -= 1
            return self._lessons >= 0
        if result.outcome is Outcome.INVALID:
            self._repairs -= 1
            return self._repairs >= 0
        if result.outcome in UNREACHED and await self._bears(attempt, result):
            return True
        self._failures += 1
        if result.outcome not in RETRIED or self._failures > self._retries:
            return False
        if not attempt.recalled:
            await self._rest(self._backoff.wait(self._failures, attempt.key, result))
        return True

    async def _bears(self, attempt: Attempt, result: CallResult) -> bool:
        """Wait for an endpoint that is overloaded or away; once patience is over, failures count.

        At the gate of one that is away patience is at least a minute, so 0 is looked at here.

        A recalled attempt has been waited for, and what the endpoint's state was then is not known
        any more: it never counts.
        """
        if attempt.recalled:
            return True
        now = asyncio.get_running_loop().time()
        if self.since is None:
            self.since = now
        wait = self._backoff.wait(self._excused + 1, attempt.key, result)
        if not attempt.excused:
            return False
        left_to_gate = attempt.left_to_gate and self._patience_s > 0
        if not left_to_gate and now + wait - self.since >= self._patience_s:
            return False
        self._excused += 1
        await self._rest(wait)
        return True
