"""How often an attempt is repeated, and how long to wait before."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from domain.base import Noun, seed_of
from domain.call import RETRIED, Outcome

if TYPE_CHECKING:
    from agents.desk import Attempt
    from domain.call import CallKey, CallResult

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
    """The longest Retry-After that is honoured in full."""

    def wait(self, failures: int, key: CallKey, result: CallResult) -> float:
        """Return the seconds to wait after the `failures`-th failure (from 1) at a step."""
        if result.retry_after_s is not None:
            return min(result.retry_after_s, self.patience_s)
        step = min(self.cap_s, self.first_s * 2 ** min(failures - 1, 30))
        return float(step * (0.5 + seed_of("backoff", str(key)) / 2**33))


class Patience:
    """What is left to try at one step: retries, repairs and lessons, each with its own bound."""

    def __init__(self, retries: int, repairs: int, backoff: Backoff) -> None:
        self._retries = retries
        self._repairs = repairs
        self._lessons = LESSONS
        self._backoff = backoff
        self._failures = 0

    async def allows(self, attempt: Attempt, result: CallResult) -> bool:
        """Tell whether to try again, after having waited for it.

        A recalled attempt was waited for when it was made, and an answer that does not fit is
        shown to the model at once.
        """
        if attempt.lesson is not None:
            self._lessons -= 1
            return self._lessons >= 0
        if result.outcome is Outcome.INVALID:
            self._repairs -= 1
            return self._repairs >= 0
        self._failures += 1
        if result.outcome not in RETRIED or self._failures > self._retries:
            return False
        if not attempt.recalled:
            await asyncio.sleep(self._backoff.wait(self._failures, attempt.key, result))
        return True
