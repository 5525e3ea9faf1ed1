"""What became of an endpoint's calls lately, counted in spans of a few seconds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from engine.limits.sight import Seen

RECENT_S = 60.0
"""How far back is looked; what is a span older is forgotten."""
SPAN_S = 5.0
"""What ended within so long is counted together."""


@dataclass
class Ended:
    """Calls that have ended."""

    answered: int = 0
    refused: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    """Those that failed, by outcome; refused ones are among them."""

    @property
    def refused_share(self) -> float:
        """Refused calls among all that ended, 0 to 1."""
        ended = self.answered + sum(self.errors.values())
        return self.refused / ended if ended else 0.0

    def add(self, answered: int, refused: int, errors: dict[str, int]) -> None:
        """Count more of them."""
        self.answered += answered
        self.refused += refused
        for outcome, n in errors.items():
            self.errors[outcome] = self.errors.get(outcome, 0) + n


class _Span(NamedTuple):
    """What ended within a few seconds."""

    began: float
    ended: Ended


class Recent:
    """An endpoint's calls of the last minute."""

    def __init__(self, now: float) -> None:
        self._spans: deque[_Span] = deque([_Span(now, Ended())])

    def count(self, seen: Seen, now: float) -> None:
        """Take in what a worker saw."""
        if now - self._spans[-1].began > SPAN_S:
            self._spans.append(_Span(now, Ended()))
        while now - self._spans[0].began > RECENT_S + SPAN_S:
            self._spans.popleft()
        self._spans[-1].ended.add(seen.answered, seen.refused, seen.errors)

    def within(self, seconds: float, now: float) -> Ended:
        """Return what ended in spans that began in the last `seconds`, `RECENT_S` at most."""
        found = Ended()
        for began, ended in self._spans:
            if now - began <= seconds:
                found.add(ended.answered, ended.refused, ended.errors)
        return found
