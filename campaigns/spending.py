"""What a campaign has spent: on its sessions, and on its cast where a model writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.ledger.store import Store
from engine.spending.budget import NOTHING
from engine.spending.prices import CASTER, PLAYERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from campaigns.summary import CampaignSummary
    from domain.price import Price
    from domain.runfolder import RunFolder
    from engine.ledger.store import Totals
    from engine.spending.budget import Spend


def spent_on_casting(folder: RunFolder, prices: Mapping[str, Price]) -> Spend:
    """Return what a model's casting has cost so far; nothing where no model casts.

    Raises:
        StoreError: Its ledger cannot be read.
    """
    return Store(folder.casting).spent(prices) if folder.casting.exists() else NOTHING


def totals_of_casting(folder: RunFolder) -> Totals | None:
    """Return the calls and tokens of a model's casting; None where no model casts.

    Raises:
        StoreError: Its ledger cannot be read.
    """
    return Store(folder.casting).totals() if folder.casting.exists() else None


def with_casting(summary: CampaignSummary, folder: RunFolder) -> CampaignSummary:
    """Add the calls that wrote the personas, where a model did.

    Raises:
        StoreError: Their ledger cannot be read.
    """
    totals = totals_of_casting(folder)
    if totals is None:
        return summary
    more = {
        "calls": summary.calls + totals.calls,
        "tokens": summary.tokens + totals.tokens,
        "estimated_tokens": summary.estimated_tokens + totals.estimated_tokens,
        "cached_tokens": summary.cached_tokens + totals.cached_tokens,
    }
    return summary.model_copy(update=more)


def payers(folder: RunFolder) -> tuple[str, ...]:
    """Return the roles that a campaign has paid for, or will."""
    return (*PLAYERS, CASTER) if folder.casting.exists() else PLAYERS
