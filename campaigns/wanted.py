"""What a campaign that has run out will have spent when it is played to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from campaigns.forecast import CALLS, PICO, TOKENS, forecast
from domain.base import Noun
from domain.price import PICO as PICO_A_DOLLAR

if TYPE_CHECKING:
    from domain.settings import CampaignSettings
    from engine.live import LiveState, Survey

FURTHER = 1.5
"""How much longer than the longest so far a session is taken to be: the short ones end first, and
one that is revised is played on."""


class Wanted(Noun):
    """Calls, tokens and US dollars, rather too many than too few."""

    calls: float
    tokens: float
    usd: float
    foretold: bool
    """Whether by the forecast; else by how far the sessions under way have come."""


def wanted_of(live: LiveState, campaign: CampaignSettings | None = None) -> Wanted | None:
    """Return what a run needs in all; None where it knows nothing of its sessions.

    Args:
        live: How the run stood.
        campaign: How long its sessions may be, which counts where none has ended yet.
    """
    known = forecast(live)
    if known is not None:
        highs = known.calls.high, known.tokens.high, known.usd.high
        return Wanted(calls=highs[0], tokens=highs[1], usd=highs[2], foretold=True)
    length = FURTHER * _longest(live.survey)
    if not length:
        return None
    if campaign is not None and not any(live.survey.ended):
        length = max(length, _whole(campaign))
    more = _calls_to_come(live, length)
    calls, tokens, pico = (
        live.spent[kind] + more * _each(live, kind) for kind in (CALLS, TOKENS, PICO)
    )
    return Wanted(calls=calls, tokens=tokens, usd=pico / PICO_A_DOLLAR, foretold=False)


def _whole(campaign: CampaignSettings) -> float:
    """Return the calls of a session that is played out and revised as often as it may be."""
    return (2 * campaign.exchanges + 1) * (1 + campaign.revisions)


def _longest(survey: Survey) -> int:
    """Return the calls of the session that has come furthest."""
    made = [calls for calls, *_ in survey.made]
    columns = (made, survey.ended, survey.playing)
    return max((at for column in columns for at, n in enumerate(column) if n), default=0)


def _calls_to_come(live: LiveState, length: float) -> float:
    """Count what is under way as far as it has come, and what is not begun from its first call."""
    playing = live.survey.playing
    unbegun = max(0, live.planned - live.before - sum(live.finished.values()) - sum(playing))
    return unbegun * length + sum(n * max(1.0, length - at) for at, n in enumerate(playing))


def _each(live: LiveState, kind: int) -> float:
    """Return what a call costs on average, in this run where it has made any."""
    made = live.survey.made
    calls, cost = sum(one[CALLS] for one in made), sum(one[kind] for one in made)
    return cost / calls if calls else live.spent[kind] / max(1, live.spent[CALLS])
