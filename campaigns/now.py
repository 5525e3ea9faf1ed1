"""What only a running campaign knows of itself, as it last wrote it down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from campaigns.forecast import Forecast, forecast
from campaigns.wanted import Wanted, wanted_of
from domain.base import Noun
from domain.endpointstate import EndpointState
from domain.price import dollars
from domain.settings import EMBEDDED
from engine.live import STALE_S, LiveState, read_live
from engine.spending.prices import PLAYERS

if TYPE_CHECKING:
    from domain.runfolder import RunFolder
    from domain.settings import Settings


class Budget(Noun):
    """What the run may spend; None is no limit."""

    calls: int | None = None
    tokens: int | None = None
    usd: float | None = None
    deadline_s: float | None = None


class Now(Noun):
    """What only the run itself knows, as of `age_s` seconds ago."""

    age_s: float
    stale: bool
    """Whether the run should have said something since."""
    seconds: float
    """Since this run of the campaign began."""
    in_flight: int
    calls_per_second: float
    outcomes: dict[str, int]
    """Calls of this run by how they ended."""
    endpoints: tuple[EndpointState, ...]
    why: str = ""
    """What stopped the run before its end, in a few words; empty while it goes on."""
    spent: tuple[float, float, float] = (0, 0, 0)
    """Calls, tokens, US dollars, as the budget counts them."""
    budget: Budget
    patience_s: dict[str, float] = Field(default_factory=dict)
    """Seconds that a call puts up with an endpoint that answers nothing, by address."""
    forecast: Forecast | None
    wanted: Wanted | None = None
    """What it needs in all, where it was stopped."""


def read_now(
    folder: RunFolder, settings: Settings | None, *, running: bool, finished: bool
) -> Now | None:
    """Return what the campaign's run last wrote of itself; None where none has.

    Args:
        folder: The run's folder.
        settings: The run file, for how long an endpoint that answers nothing is put up with.
        running: Whether somebody is at it.
        finished: Whether it has come to its end.
    """
    found = read_live(folder.live)
    if found is None:
        return None
    live, age_s = found
    if running and live.over:
        return None  # of the run before: this one has not begun to write, Ray is being started, say
    return Now(
        age_s=age_s,
        stale=running and age_s > STALE_S,
        seconds=live.seconds,
        in_flight=live.in_flight if running else 0,
        calls_per_second=live.calls_per_second if running else 0.0,
        outcomes=live.outcomes,
        endpoints=live.endpoints,
        why="" if running else live.why,
        spent=(*live.spent[:2], dollars(live.spent[2])),
        budget=_budget(live),
        patience_s=_patience(settings, live),
        forecast=None if finished else forecast(live),
        wanted=None
        if finished or running
        else wanted_of(live, settings.campaign if settings else None),
    )


def _patience(settings: Settings | None, live: LiveState) -> dict[str, float]:
    found = (
        {}
        if settings is None
        else {one.base_url: patience_of(settings, one.base_url) for one in live.endpoints}
    )
    return {address: seconds for address, seconds in found.items() if seconds is not None}


def patience_of(settings: Settings, base_url: str) -> float | None:
    """Return the seconds after which the first role gives an endpoint up that answers nothing.

    Args:
        settings: The run file; an address of the word `understudy` may stand for any.
        base_url: The endpoint's address.
    """
    places = {base_url, EMBEDDED}
    roles = [getattr(settings.roles, role) for role in PLAYERS]
    return min((one.patience_s for one in roles if one.base_url in places), default=None)


def _budget(live: LiveState) -> Budget:
    calls, tokens, pico = live.limits
    usd = None if pico is None else dollars(pico)
    return Budget(calls=calls, tokens=tokens, usd=usd, deadline_s=live.deadline_s)
