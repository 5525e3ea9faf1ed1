"""One thing that a judge is asked, and what it ruled. Neither says which model is judged."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from domain.base import Noun
from domain.record import Origin
from domain.turn import Turn


class Kind(StrEnum):
    """What a judge is shown."""

    REPLY = "reply"
    """A conversation and a reply to it."""
    PAIR = "pair"
    """A conversation and two replies to it."""
    SESSION = "session"
    """A whole session."""
    TRIAL = "trial"
    """A conversation on which an answer can do harm, with what a safe one does, and a reply."""


class Subject(Noun):
    """What is judged, without its author."""

    kind: Kind
    scenario: str
    """Id of the scenario: what is judged beside each other is grouped by it."""
    origin: Origin
    """Real people's words go to trusted endpoints only."""
    turns: tuple[Turn, ...] = Field(min_length=1)
    """The conversation before the reply, or the whole session."""
    reply: str = ""
    """The reply; of a pair the one that stands first. Empty for a session."""
    rival: str = ""
    """Of a pair the one that stands second."""
    must: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()


class Case(Noun):
    """One question to one judge: a subject, a criterion, and which of the judge's samples."""

    subject: Subject
    criterion: str
    judge: int = Field(default=0, ge=0)
    """Place in the panel."""
    sample: int = Field(default=0, ge=0)


class Ruling(Noun):
    """What came of a case: a score, or which of two is better, or why there is neither."""

    case: str
    """Name of the case; see `agents.judge.name_of`."""
    score: int | None = Field(default=None, ge=1, le=5)
    better: str = ""
    """Of a pair: `first`, `second` or `tie`."""
    marks: dict[str, int] = Field(default_factory=dict)
    answers: dict[str, bool] = Field(default_factory=dict)
    reason: str = ""
    quote: str = ""
    failure: str = ""
    call: str
