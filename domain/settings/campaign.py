"""How many sessions, how long, how often revised, and what sends them back."""

from __future__ import annotations

from pydantic import Field

from domain.base import Noun
from domain.casting import CastingSettings
from domain.settings.budget import BudgetSettings

UNHASHED = ("budget", "discriminator")
"""Keys of `campaign` that no session's bytes depend on: what it may spend; and the discriminator,
which is known by what is in its file (`campaigns.manifest`), not by where it lies."""


class DiscriminatorSettings(Noun):
    """Sends back what is easily told from real sessions: the adversarial part, round by round."""

    after: str | None = None
    """The run of the round before, as a folder: its discriminator reads this round's drafts. Null
    for the first round, which is only learned from."""
    send_back: float = Field(default=0.2, gt=0, lt=1)
    """Share of a round's accepted sessions that its discriminator would have sent back: what is
    above them in the next round goes back."""


class CampaignSettings(Noun):
    """How many sessions, how long, and how often a session may be revised."""

    sessions: int = Field(default=32, ge=1, le=1_000_000)
    """Sessions that are played. The plan stays in memory, 2 KB for each."""
    exchanges: int = Field(default=10, ge=3, le=60)
    """Therapist turns in a session at most; the plan for the hour is laid out over them."""
    revisions: int = Field(default=2, ge=0, le=10)
    """Rewinds of a session at most; 0 plays each once."""
    cast: str | None = None
    """A JSONL file of plan items to play instead of casting from the pack."""
    casting: CastingSettings = CastingSettings()
    budget: BudgetSettings = BudgetSettings()
    discriminator: DiscriminatorSettings | None = None
    """Null leaves it out."""
