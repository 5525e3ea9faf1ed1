"""What the judge says of one answer on one criterion."""

from __future__ import annotations

from pydantic import Field

from domain.base import Noun, content_id


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
    """One score from 1 to 5, or the reason why there is none. A failure is never a low score."""

    scenario_id: str
    variant: str
    criterion: str
    score: int | None = Field(default=None, ge=1, le=5)
    reason: str = ""
    quote: str = ""
    failure: str = ""
    call: str
