"""What a campaign that has run out will have spent when it is played to its end."""

from __future__ import annotations

from math import ceil
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


GROWN = 2.0
"""What a call is taken to cost, by those before it, where nothing shows how calls grow."""


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
    calls, tokens, pico = (
        live.spent[kind] + _to_come(live, length, kind) for kind in (CALLS, TOKENS, PICO)
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


def _to_come(live: LiveState, length: float, kind: int) -> float:
    """Add up what is under way from where it stands, and what is not begun from its first call."""
    playing = live.survey.playing
    unbegun = max(0, live.planned - live.before - sum(live.finished.values()) - sum(playing))
    whole = _costs(live, max(ceil(length), len(playing)), kind)
    ahead = [sum(whole[at:]) for at in range(len(playing))]
    return unbegun * sum(whole) + sum(n * each for n, each in zip(playing, ahead, strict=True))


def _costs(live: LiveState, length: int, kind: int) -> list[float]:
    """Return what a session's first, second, … call costs: as seen, and beyond as the trend goes.

    Requests grow with the session, so that the mean of the calls made so far would be too little
    for those that follow. The trend is the line of least squares through the means that were seen.
    """
    if kind == CALLS:
        return [1.0] * length
    made = enumerate(live.survey.made[1:])
    seen = [(at, one[CALLS], one[kind] / one[CALLS]) for at, one in made if one[CALLS]]
    if not seen:  # a resumed run that made no call: earlier runs have told what theirs cost, in all
        return [GROWN * live.spent[kind] / max(1, live.spent[CALLS])] * length
    weight = sum(n for _, n, _ in seen)
    middle = sum(n * at for at, n, _ in seen) / weight
    mean = sum(n * cost for _, n, cost in seen) / weight
    spread = sum(n * (at - middle) ** 2 for at, n, _ in seen)
    slope = sum(n * (at - middle) * (cost - mean) for at, n, cost in seen) / (spread or 1.0)
    if not spread:  # one position shows no trend
        mean *= GROWN
    known = {at: cost for at, _, cost in seen}
    return [known.get(at, max(mean, mean + slope * (at - middle))) for at in range(length)]
