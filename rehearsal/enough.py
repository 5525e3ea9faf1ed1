"""Which budget would do, for whoever has run out of one."""

from __future__ import annotations

from math import ceil, floor, log10
from typing import TYPE_CHECKING

from campaigns.forecast import forecast
from domain.price import dollars

if TYPE_CHECKING:
    from campaigns.forecast import Forecast
    from campaigns.now import Now
    from campaigns.summary import CampaignSummary
    from domain.settings import BudgetSettings
    from engine.live import LiveState

MARGIN = 1.05
"""On top of what is foretold: the last calls are only made where the dearest answer fits."""


def enough(now: Now, summary: CampaignSummary) -> str:
    """Return the options that let a campaign that has run out come to its end.

    `` --budget 1.6usd --budget 2.5Mtok``: each kind that is limited too tightly, by the upper end
    of the forecast; where nothing can be foretold yet, twice the present limit, or as much for each
    session as for each that has finished, where that is more.
    """
    limits = now.budget.calls, now.budget.tokens, now.budget.usd
    return _options(limits, now.spent, now.forecast, summary.finished, summary.planned)


def enough_by(live: LiveState, budget: BudgetSettings) -> str:
    """Return the same from a run's live file, for a budget that need not be the file's."""
    spent = (*live.spent[:2], dollars(live.spent[2]))
    finished = live.before + sum(live.finished.values())
    limits = budget.calls, budget.tokens, budget.usd
    return _options(limits, spent, forecast(live), finished, live.planned)


def _options(
    limits: tuple[int | None, int | None, float | None],
    spent: tuple[float, float, float],
    known: Forecast | None,
    finished: int,
    planned: int,
) -> str:
    highs = (None,) * 3 if known is None else (known.calls, known.tokens, known.usd)
    options = []
    for limit, gone, high, write in zip(limits, spent, highs, _WRITTEN, strict=True):
        if limit is None:
            continue
        if high is not None:
            wanted = high.high
        else:
            each = gone / finished if finished else 0.0
            wanted = max(2.0 * max(limit, gone), each * planned) if gone >= limit / 2 else 0.0
        if wanted * MARGIN > limit:
            options.append(f" --budget {write(_rounded(wanted * MARGIN))}")
    return "".join(options)


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
