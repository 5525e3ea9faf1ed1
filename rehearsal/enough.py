"""Which budget would do, for whoever has run out of one."""

from __future__ import annotations

from math import ceil, floor, log10
from typing import TYPE_CHECKING, NamedTuple

from campaigns.wanted import wanted_of
from domain.price import dollars

if TYPE_CHECKING:
    from collections.abc import Callable

    from campaigns.now import Now
    from campaigns.wanted import Wanted
    from domain.settings import CampaignSettings
    from engine.live import LiveState

MARGIN = 1.05
"""On top of what is foretold: the last calls are only made where the dearest answer fits."""


class _Kind(NamedTuple):
    """One thing that is limited."""

    limit: float | None
    spent: float
    wanted: float
    sign: str
    """What stands in the words that say that it is reached."""
    write: Callable[[float], str]


def enough(now: Now) -> str:
    """Return the options that let a campaign that has run out come to its end.

    `` --budget 1.6usd --budget 2.5Mtok``: what was reached, and what the forecast says will be;
    where nothing can be foretold yet, by how far the sessions under way have come.
    """
    budget = now.budget
    return _options((budget.calls, budget.tokens, budget.usd), now.spent, now.wanted, now.why)


def enough_by(live: LiveState, campaign: CampaignSettings, why: str = "") -> str:
    """Return the same from a run's live file, for a budget that need not be the file's.

    Args:
        live: How the run stood.
        campaign: What it may spend, and how long its sessions may be.
        why: The words that say what was reached.
    """
    budget, spent = campaign.budget, (*live.spent[:2], dollars(live.spent[2]))
    wanted = wanted_of(live, campaign)
    return _options((budget.calls, budget.tokens, budget.usd), spent, wanted, why)


def _options(
    limits: tuple[float | None, float | None, float | None],
    spent: tuple[float, float, float],
    wanted: Wanted | None,
    why: str,
) -> str:
    needs = (0.0,) * 3 if wanted is None else (wanted.calls, wanted.tokens, wanted.usd)
    kinds = [_Kind(*each) for each in zip(limits, spent, needs, _SIGNS, _WRITTEN, strict=True)]
    limited = [kind for kind in kinds if kind.limit is not None]
    reached = [kind for kind in limited if kind.sign in why] or _nearest(limited)
    foretold = wanted is not None and wanted.foretold
    return "".join(
        f" --budget {kind.write(_rounded(_amount(kind)))}"
        for kind in limited
        if _amount(kind)
        and (kind in reached or (foretold and kind.wanted * MARGIN > (kind.limit or 0)))
    )


def _nearest(limited: list[_Kind]) -> list[_Kind]:
    """Return what has most of its limit spent, where nobody says what is reached."""
    return sorted(limited, key=lambda kind: -kind.spent / (kind.limit or 1))[:1]


def _amount(kind: _Kind) -> float:
    """Return what is needed; where that would fit, twice the limit: one call did not."""
    limit, needed = kind.limit or 0, kind.wanted * MARGIN
    return needed if needed > limit else 2 * max(limit, kind.spent)


def _rounded(amount: float) -> float:
    """Round up to two digits."""
    if amount <= 0:
        return 0.0
    step = 10.0 ** (floor(log10(amount)) - 1)
    return round(ceil(round(amount / step, 9)) * step, 12)


def _calls(amount: float) -> str:
    return f"{ceil(amount)}calls"


def _tokens(amount: float) -> str:
    return f"{amount / 1e6:g}Mtok" if amount >= 1e6 else f"{ceil(amount)}tok"


def _usd(amount: float) -> str:
    return f"{amount:.12f}".rstrip("0").rstrip(".") + "usd"


_WRITTEN = (_calls, _tokens, _usd)
_SIGNS = ("call", "token", "$")
