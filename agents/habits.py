"""What an endpoint has taught us about the parameters it takes.

OpenAI's reasoning models want `max_completion_tokens` and refuse any `temperature` but their
own; other servers know only `max_tokens`, or refuse a `seed`. None of them says so beforehand:
the answer is a 400 or 422 that names the parameter. It is learned from that answer, also from a
recorded one.
"""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

from domain.call import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.call import CallResult

TOKENS = ("max_tokens", "max_completion_tokens")
"""The two names of the limit on an answer's length, the more widely understood one first."""

DROPPABLE = ("temperature", "top_p", "seed")
"""Parameters a call can do without."""

UNWANTED = re.compile(
    r"unsupported|not support|unknown|unrecogni[sz]ed|unexpected|extra[ _](inputs|fields|forbidden)"
    r"|not permitted|not allowed|deprecated|cannot be used|only the default",
    re.IGNORECASE,
)
"""How servers say that they do not take a parameter at all, as against a wrong value of it."""


class Habits(NamedTuple):
    """How to write a body for one model at one endpoint."""

    dropped: frozenset[str] = frozenset()
    tokens: str = TOKENS[0]

    def adapt(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return `params` in the endpoint's terms, in the same order."""
        if not self.dropped and self.tokens == TOKENS[0] and TOKENS[1] not in params:
            return params
        return {
            self.tokens if name in TOKENS else name: value
            for name, value in params.items()
            if name not in self.dropped
        }

    def learn(self, result: CallResult, params: dict[str, Any]) -> Habits | None:
        """Return what a rejection of `params` teaches, or None if it teaches nothing."""
        if result.outcome is not Outcome.REJECTED or not UNWANTED.search(result.detail):
            return None
        sent = self.adapt(params)
        for name in DROPPABLE:
            if name in sent and re.search(rf"\b{name}\b", result.detail):
                return self._replace(dropped=self.dropped | {name})
        if TOKENS[0] in sent and re.search(rf"\b{TOKENS[0]}\b", result.detail):
            return self._replace(tokens=TOKENS[1])
        return None

    def merge(self, other: Habits) -> Habits:
        """Return both together."""
        tokens = TOKENS[1] if TOKENS[1] in (self.tokens, other.tokens) else TOKENS[0]
        return Habits(self.dropped | other.dropped, tokens)


UNTAUGHT = Habits()
"""Of an endpoint that has taught nothing: nearly all, asked twice a call."""


def every_habit(params: dict[str, Any]) -> Iterator[Habits]:
    """Yield all ways in which `params` may have been written."""
    present = [name for name in DROPPABLE if name in params]
    for count in range(len(present) + 1):
        for dropped in combinations(present, count):
            for tokens in TOKENS:
                yield Habits(frozenset(dropped), tokens)
