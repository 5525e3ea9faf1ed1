"""A session: its drafts, and what became of it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from domain.base import Noun
from domain.critique import Critique
from domain.turn import Turn


class StopReason(StrEnum):
    """Why a draft ended."""

    AGREED_END = "agreed_end"
    """Both sides said goodbye once."""
    TURN_LIMIT = "turn_limit"
    GOODBYE_LOOP = "goodbye_loop"
    """They kept saying goodbye; the surplus is cut."""


class Status(StrEnum):
    """What became of a session."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    """Played and criticised, not good enough after the last revision."""
    QUARANTINED = "quarantined"
    """Could not be played to the end; `failure` says why."""


class Draft(Noun):
    """One playing of a session. Turns before `start` are kept from the draft it revises."""

    number: int = Field(ge=0)
    start: int = Field(ge=0)
    guidance: tuple[str, ...] = ()
    turns: tuple[Turn, ...]
    stop_reason: StopReason
    critique: Critique | None = None


class Failure(Noun):
    """Why a session could not be played: the outcome of its last call, never its text."""

    call: str
    role: str
    outcome: str
    detail: str


class Session(Noun):
    """A finished session: every draft, and the number of the best one."""

    id: str
    plan_index: int
    persona_id: str
    scenario_id: str
    problem: str
    technique: str
    style: str
    status: Status
    best: int | None = None
    drafts: tuple[Draft, ...] = ()
    failure: Failure | None = None

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The best draft's turns; empty when nothing was played to its end."""
        return () if self.best is None else self.drafts[self.best].turns
