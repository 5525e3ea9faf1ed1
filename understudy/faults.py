"""Failures on purpose: what an endpoint does to its callers, drawn from the call's key.

Nothing is drawn from a clock or a shared stream: the same key meets the same fault in every run,
and the key's attempt number lets a retry fare better.
"""

from __future__ import annotations

import math
from enum import StrEnum
from random import Random

from pydantic import Field, model_validator

from domain.base import Noun, seed_of
from domain.errors import ConfigError


class Fault(StrEnum):
    """What is done to a request instead of, or to, its answer."""

    RATE_LIMITED = "rate_limited"
    """429 with Retry-After."""
    SERVER_ERROR = "server_error"
    """500."""
    HANG = "hang"
    """No answer until the caller gives up."""
    MALFORMED = "malformed"
    """200 with a body that is not JSON."""
    TRUNCATED = "truncated"
    """Half the text, with finish_reason `length`."""
    EMPTY = "empty"
    """No text."""
    REFUSAL = "refusal"
    """A refusal instead of text."""
    SLOW_LORIS = "slow_loris"
    """The answer a byte at a time, so that every read succeeds and the whole never ends."""
    RESET = "reset"
    """The connection is reset in the middle of the body."""
    UNFIT = "unfit"
    """JSON that breaks the schema that was asked for; speech is answered honestly."""
    WRONG_ROLE = "wrong_role"
    """A message that says it is the user's."""
    GARBAGE = "garbage"
    """Text that is no text: control characters, half a surrogate pair, or bytes beyond UTF-8."""
    HUGE = "huge"
    """Ten megabytes, without saying so before."""


class FaultSettings(Noun):
    """How often each fault is met, 0 to 1, and how long an answer takes."""

    rate_limited: float = Field(default=0, ge=0, le=1)
    server_error: float = Field(default=0, ge=0, le=1)
    hang: float = Field(default=0, ge=0, le=1)
    malformed: float = Field(default=0, ge=0, le=1)
    truncated: float = Field(default=0, ge=0, le=1)
    empty: float = Field(default=0, ge=0, le=1)
    refusal: float = Field(default=0, ge=0, le=1)
    slow_loris: float = Field(default=0, ge=0, le=1)
    reset: float = Field(default=0, ge=0, le=1)
    unfit: float = Field(default=0, ge=0, le=1)
    wrong_role: float = Field(default=0, ge=0, le=1)
    garbage: float = Field(default=0, ge=0, le=1)
    huge: float = Field(default=0, ge=0, le=1)
    latency_ms: float = Field(default=0, ge=0)
    """Time before an answer; the median where `latency_sigma` is set."""
    latency_sigma: float = Field(default=0, ge=0, le=4)
    """Sigma of a lognormal latency; 0 makes it fixed."""
    retry_after_s: float = Field(default=1, ge=0)
    seed: int = 0

    @model_validator(mode="after")
    def _within_one(self) -> FaultSettings:
        total = sum(self.rate(fault) for fault in Fault)
        if total > 1 + 1e-9:
            message = f"the rates of all faults add up to {total:g}, more than 1"
            raise ValueError(message)
        return self

    def rate(self, fault: Fault) -> float:
        """Return how often `fault` is met, 0 to 1."""
        return float(getattr(self, fault.value))

    def draw(self, key: str) -> Fault | None:
        """Return the fault that the call `key` meets, None for an honest answer."""
        at = seed_of("fault", self.seed, key) / 2**32
        for fault in Fault:
            at -= self.rate(fault)
            if at < 0:
                return fault
        return None

    def delay_s(self, key: str) -> float:
        """Return how long the call `key` takes before its answer, in seconds."""
        if not self.latency_ms:
            return 0.0
        if not self.latency_sigma:
            return self.latency_ms / 1000
        rng = Random(seed_of("latency", self.seed, key))
        return self.latency_ms / 1000 * math.exp(rng.gauss(0, self.latency_sigma))


def read_latency(text: str) -> dict[str, float]:
    """Read `300` (ms, fixed) or `lognormal:300:0.5` (median ms, sigma) as fields of the settings.

    Raises:
        ConfigError: `text` is neither.
    """
    kind, _, rest = text.partition(":")
    try:
        if kind == "lognormal":
            median, _, sigma = rest.partition(":")
            return {"latency_ms": _measure(median), "latency_sigma": _measure(sigma or "0.5")}
        return {"latency_ms": _measure(text)}
    except ValueError as error:
        raise ConfigError(
            "cannot read the latency",
            where="--latency",
            expected="milliseconds (300) or a lognormal's median and sigma (lognormal:300:0.5)",
            got=text,
            mend="Write it in one of these two ways.",
        ) from error


def _measure(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or value < 0:
        raise ValueError(text)
    return value
