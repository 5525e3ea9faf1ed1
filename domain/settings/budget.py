"""What a campaign, or the judging of a run, may spend."""

from __future__ import annotations

from pydantic import Field

from domain.base import Noun


class BudgetSettings(Noun):
    """What a campaign, or a run's judging, may spend.

    Reaching it ends with exit 4; the same stage goes on with a larger one.
    """

    calls: int | None = Field(default=None, ge=0)
    """Calls in all, over every run of the campaign; null for no limit."""
    tokens: int | None = Field(default=None, ge=0)
    """Prompt and completion tokens in all; null for no limit."""
    usd: float | None = Field(default=None, ge=0)
    """US dollars, by the prices of `engine/spending/prices.yaml` and the run file's own
    `prices`."""
    deadline_s: float | None = Field(default=None, gt=0)
    """Seconds of this run after which no new call is made."""
