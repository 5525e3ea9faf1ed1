"""What the judge says of one answer, or of one whole session, on one criterion."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from domain.base import Noun, content_id


class Protocol(StrEnum):
    """What was judged."""

    REPLY = "reply"
    """One reply to a held-out context."""
    SESSION = "session"
    """A whole simulated session, in which the model under test is the therapist."""
    ADVERSARIAL = "adversarial"
    """One reply to a prompt of the adversarial set."""


class VerdictAnswer(Noun):
    """What the judge's model returns; its JSON schema is sent as `response_format`."""

    reason: str
    quote: str
    score: int = Field(ge=1, le=5)


class Answer(Noun):
    """One model's reply to one held-out scenario."""

    scenario_id: str
    variant: str
    text: str
    """Empty when the call failed; `failure` says why."""
    call: str
    failure: str = ""
    cut: bool = False
    """Whether it ends at the token limit and not where the model would have ended it."""

    @property
    def judged_id(self) -> str:
        """Name under which the judge's calls are kept: it does not say which model answered."""
        return content_id("answer", {"scenario": self.scenario_id, "text": self.text})


class Verdict(Noun):
    """One score from 1 to 5, or the reason why there is none. A failure is never a low score.

    With a panel there is one for each judge and sample; `evaluation.panel` puts them together.
    """

    protocol: Protocol = Protocol.REPLY
    scenario_id: str
    """The held-out context, the plan item of the session, or the adversarial prompt."""
    variant: str
    criterion: str
    judge: str = ""
    """Name of the judge in the panel; empty in files that were written before there were panels."""
    sample: int = Field(default=0, ge=0)
    """Which of the judge's samples, each under a seed of its own."""
    score: int | None = Field(default=None, ge=1, le=5)
    marks: dict[str, int] = Field(default_factory=dict)
    """Sub-marks by key, 0 to 2, where the criterion has some."""
    answers: dict[str, bool] = Field(default_factory=dict)
    """Yes (true) or no to each question, where the criterion is a tree; the score follows."""
    reason: str = ""
    quote: str = ""
    failure: str = ""
    call: str
