"""What a model's tokens cost, in whole picodollars so that sums are exact."""

from __future__ import annotations

from pydantic import Field

from domain.base import Noun

PICO = 10**12
"""Picodollars in a US dollar."""
_PER_TOKEN = PICO // 10**6


class Price(Noun):
    """US dollars for a million tokens of each kind, as providers list them."""

    prompt: float = Field(ge=0)
    cached: float = Field(ge=0)
    """Prompt tokens that the endpoint's prefix cache served."""
    completion: float = Field(ge=0)
    written: float | None = Field(default=None, ge=0)
    """Prompt tokens written to the cache, where that costs more than `prompt`. No endpoint reports
    how many were written in `usage`, so every uncached prompt token is priced so: never too low."""

    def pico(self, prompt: int, cached: int, completion: int) -> int:
        """Return picodollars for `prompt` tokens, of which `cached` are cached, and `completion`.

        A millionth of a dollar a million tokens is the finest price that is told apart.
        """
        cached = min(cached, prompt)
        fresh = prompt - cached
        return (
            fresh * _whole(self._fresh)
            + cached * _whole(self.cached)
            + completion * _whole(self.completion)
        )

    def pico_at_most(self, prompt: int, completion: int) -> int:
        """Return picodollars for tokens of which nobody knows yet how many are cached."""
        dearest = max(self._fresh, self.cached)
        return prompt * _whole(dearest) + completion * _whole(self.completion)

    @property
    def _fresh(self) -> float:
        return self.prompt if self.written is None else max(self.prompt, self.written)


def dollars(pico: int) -> float:
    """Return picodollars as US dollars, for showing."""
    return pico / PICO


def _whole(dollars_a_million: float) -> int:
    return round(dollars_a_million * _PER_TOKEN)
