"""How long an endpoint has answered nothing while it is left alone, and who has borne it enough."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from domain.call import CallResult, Outcome
from domain.gate import LEAST_PATIENCE_S, UNSENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.limits.sight import Order

LAST_TRY_S = 1.0
"""A try counts as the last one up to so long before patience ends: calls whose patience ends within
a second do not each ask for a probe. As long as the first pause of a breaker."""


def is_tried(tried_at: float, ends: float) -> bool:
    """Whether a try that failed was one at the end of a patience; both in monotonic seconds."""
    return tried_at >= ends - LAST_TRY_S


class Silence:
    """What one worker's gate knows of it; `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._tried_at = -inf
        self._said = ""

    @property
    def is_known(self) -> bool:
        """Whether there is one."""
        return self._since is not None

    def hear(self, order: Order, now: float) -> None:
        """Take the steward's word: how long it has lasted, and when it was last tried."""
        self._since = now - order.silent_s if order.silent_s > 0 else None
        self._tried_at = now - order.tried_s
        self._said = order.said

    def is_too_long(self, since: float, patience_s: float, now: float) -> bool:
        """Whether a call that has waited, or been tried in vain, `since` then has had enough.

        Patience is not over before the endpoint was tried at its end: pauses between tries grow to
        a minute, and for so long it may have been back. A call that came later has its own
        patience: where the run goes on, the next ones must not all fail at once where the first
        have.
        """
        ends = self._ends(since, patience_s)
        return now >= ends and is_tried(self._tried_at, ends)

    def overdue_s(self, waits: Iterable[tuple[float, float]], now: float) -> float | None:
        """Return for how long such a call has lacked nothing but that last try; None for none.

        Args:
            waits: Since when, and with what patience, of each call in line. That which ended last
                counts: a try at its end is one for all the others.
            now: Monotonic seconds.
        """
        ended = [ends for ends in (self._ends(*wait) for wait in waits) if ends <= now]
        if not ended or is_tried(self._tried_at, max(ended)):
            return None
        return now - max(ended)

    def _ends(self, since: float, patience_s: float) -> float:
        if self._since is None:
            return inf
        return max(since, self._since) + max(patience_s, LEAST_PATIENCE_S)

    def failure(self, patience_s: float, now: float) -> CallResult:
        """Say how a call ended that has had enough: it was not sent."""
        silent_s = 0.0 if self._since is None else now - self._since
        said = f"; the last call said: {self._said}" if self._said else ""
        return CallResult(
            outcome=Outcome.CONNECTION,
            detail=f"{UNSENT}the endpoint has answered nothing for {silent_s:.0f} s, "
            f"and patience_s ({patience_s:g}) is over{said}",
        )
