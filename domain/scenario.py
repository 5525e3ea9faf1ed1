"""What the session is about: its place in treatment and its plan."""

from __future__ import annotations

from pydantic import Field

from domain.base import Noun, content_id, seed_of
from domain.persona import Persona


class Scenario(Noun):
    """One session's plan. `phase` and `technique` are keys of the pack's taxonomies."""

    session_number: int = Field(ge=1, le=30)
    phase: str
    technique: str
    agenda: tuple[str, ...] = Field(min_length=1)
    homework_from_last_time: str = ""
    obstacle: str = ""

    @property
    def id(self) -> str:
        """Content id: equal scenarios have equal ids."""
        return content_id("scenario", self)


class PlanItem(Noun):
    """One line of a campaign's plan: who plays what, at which place in the plan."""

    index: int = Field(ge=0)
    campaign_seed: int
    persona: Persona
    scenario: Scenario

    @property
    def session_id(self) -> str:
        """The session's id, known before it is played: it depends on the plan only."""
        return content_id("session", self)

    def seed(self, *step: str | int) -> int:
        """Derive the seed of one step, e.g. `seed(draft, step)`, from the seed and the index."""
        return seed_of(self.campaign_seed, self.index, *step)
