"""How long an endpoint has answered nothing while it is left alone, and who has borne it enough."""

from __future__ import annotations

from domain.call import CallResult, Outcome
from domain.gate import LEAST_PATIENCE_S


class Silence:
    """What one worker's gate knows of it; `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._since: float | None = None

    def hear(self, silent_s: float, now: float) -> None:
        """Take the steward's word: it has lasted `silent_s`, or there is none where that is 0."""
        self._since = now - silent_s if silent_s > 0 else None

    def is_too_long(self, since: float, patience_s: float, now: float) -> bool:
        """Whether a call that has waited, or been tried in vain, `since` then has had enough.

        One that came later has its own patience: a campaign's next sessions must not all fail at
        once where the first have.
        """
        if self._since is None:
            return False
        return now - max(since, self._since) >= max(patience_s, LEAST_PATIENCE_S)

    def failure(self, patience_s: float, now: float) -> CallResult:
        """Say how a call ended that has had enough: it was not sent."""
        silent_s = 0.0 if self._since is None else now - self._since
        return CallResult(
            outcome=Outcome.CONNECTION,
            detail=f"not sent: the endpoint has answered nothing for {silent_s:.0f} s, "
            f"and patience_s ({patience_s:g}) is over",
        )
