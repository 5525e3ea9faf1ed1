"""How the hour is laid out: which part an exchange belongs to, and what a client tells by then."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Self

from pydantic import Field, model_validator

from agents.packfile import unique
from domain.base import Noun


class Part(Noun):
    """One part of the session; `share` is its part of the exchanges, 0 to 1."""

    key: str = Field(min_length=1)
    share: float = Field(gt=0, le=1)
    name: str = Field(min_length=1)
    description: str = Field(min_length=1)


class Disclosure(Noun):
    """What the client is open to telling until `until` (0 to 1) of the exchanges have passed."""

    until: float = Field(gt=0, le=1)
    tell: str = Field(min_length=1)


class Phases(Noun):
    """The layout of a session."""

    source: str = Field(min_length=1)
    parts: tuple[Part, ...] = Field(min_length=1)
    disclosure: tuple[Disclosure, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        unique((part.key for part in self.parts), "part")
        total = math.fsum(part.share for part in self.parts)
        if not math.isclose(total, 1, abs_tol=1e-6):
            raise ValueError(f"shares that add up to 1; they add up to {total:g}")
        until = [stage.until for stage in self.disclosure]
        if until != sorted(set(until)) or until[-1] != 1:
            raise ValueError("`until` values that rise and end with 1")
        return self

    def layout(self, exchanges: int) -> tuple[Part, ...]:
        """Return the part of each exchange, in order; the last exchange is the last part.

        Every part gets one exchange and the rest goes to the parts that lack most of their
        share, but never to the last: a session closes once. With fewer exchanges than parts,
        the first, the last and the largest remain.
        """
        places = _layout(tuple(part.share for part in self.parts), exchanges)
        return tuple(self.parts[place] for place in places)

    def open_to(self, exchange: int, exchanges: int) -> str:
        """Return what the client is open to telling in `exchange` (from 1) of `exchanges`."""
        passed = exchange / exchanges
        return next(stage.tell for stage in self.disclosure if passed <= stage.until + 1e-9)


@lru_cache(maxsize=64)
def _layout(shares: tuple[float, ...], exchanges: int) -> tuple[int, ...]:
    """Return the place of the part of each exchange."""
    last = len(shares) - 1
    kept = sorted(range(last + 1), key=lambda i: (i not in (0, last), -shares[i], i))
    counts = dict.fromkeys(sorted(kept[:exchanges]), 1)
    growing = [i for i in counts if i != last] or [last]

    def need(i: int) -> tuple[float, float]:
        """How many exchanges a part lacks; equal needs go to the larger part."""
        return round(shares[i] * exchanges - counts[i], 9), shares[i]

    for _ in range(exchanges - len(counts)):
        counts[max(growing, key=need)] += 1
    return tuple(i for i, count in counts.items() for _ in range(count))
