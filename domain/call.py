"""One model call: its key, what it asked, and how it ended."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from domain.base import Noun

CALL_HEADER = "X-Rehearsal-Call"
"""The request header that carries the call's key, so that an endpoint's log can be held
against the ledger."""


class Role(StrEnum):
    """Who a model call is made for."""

    CLIENT = "client"
    THERAPIST = "therapist"
    SUPERVISOR = "supervisor"
    JUDGE = "judge"
    CASTER = "caster"
    """Who writes personas."""
    CANDIDATE = "candidate"
    """A model under test."""


class CallKey(Noun):
    """Where in a run a call stands. `step` counts calls within a draft, `attempt` its retries."""

    session: str
    draft: int = Field(ge=0)
    step: int = Field(ge=0)
    attempt: int = Field(ge=0)

    def __str__(self) -> str:
        return f"{self.session}/{self.draft}/{self.step}/{self.attempt}"

    def next_attempt(self) -> CallKey:
        """The key of the next try at the same step."""
        return self.model_copy(update={"attempt": self.attempt + 1})


class Outcome(StrEnum):
    """How a call ended. Only `OK` has text that may be used."""

    OK = "ok"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    MALFORMED = "malformed"
    """The body is not the JSON of a chat completion."""
    INVALID = "invalid"
    """The answer does not fit the schema that was asked for."""
    TRUNCATED = "truncated"
    EMPTY = "empty"
    REFUSAL = "refusal"
    TOO_LARGE = "too_large"
    REJECTED = "rejected"
    """A 4xx that no retry will mend: a wrong key, an unknown model, a bad parameter."""


RETRIED = frozenset(set(Outcome) - {Outcome.OK, Outcome.REJECTED, Outcome.REFUSAL})
"""Outcomes worth another attempt."""

UNANSWERED = frozenset(
    {Outcome.CONNECTION, Outcome.REJECTED, Outcome.RATE_LIMITED, Outcome.SERVER_ERROR}
)
"""Outcomes of calls that no model saw, so that nothing was said and nothing paid; but for a result
that is `lost`."""


class Usage(Noun):
    """Tokens of one call, as the endpoint reports them; 0 where it does not."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


class CallResult(Noun):
    """What came back from one attempt."""

    outcome: Outcome
    text: str = ""
    reasoning: str = ""
    detail: str = ""
    """What went wrong, for people; never used as content."""
    finish_reason: str = ""
    model: str = ""
    usage: Usage = Usage()
    latency_ms: float = 0.0
    retry_after_s: float | None = None
    lost: bool = False
    """Whether the connection broke after the request had gone out: a model may have answered, and
    the provider may bill it."""


class CallRow(Noun):
    """One row of the ledger.

    `request` is the exact body that was sent; `request_hash` its SHA-256 in hex.
    """

    key: CallKey
    role: Role
    endpoint: str
    request_hash: str
    request: bytes
    result: CallResult


class Reservation(NamedTuple):
    """What is known of a call before it is made: who makes it, and what it may cost at most."""

    key: CallKey
    role: Role
    model: str
    request_bytes: int
    max_tokens: int
    """Completion tokens at most."""


class CallFailed(Exception):  # noqa: N818 - an outcome, not an error of ours
    """Every attempt at a step failed; carries the last key and result."""

    def __init__(self, key: CallKey, role: Role, result: CallResult) -> None:
        super().__init__(f"{role.value} call {key}: {result.outcome.value}: {result.detail}")
        self.key = key
        self.role = role
        self.result = result

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.key, self.role, self.result)
