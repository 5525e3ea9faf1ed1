"""Which model costs what: the list that ships, and a run's own prices before it."""

from __future__ import annotations

import datetime as dt
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from domain.base import Noun
from domain.errors import ConfigError
from domain.price import Price

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.settings import Settings

SHIPPED = Path(__file__).with_name("prices.yaml")

PLAYERS = ("client", "therapist", "supervisor")
"""The roles that every session pays for."""
CASTER = "caster"
"""The role that a cast is paid for, where a model writes it."""

_DATED = re.compile(r"-(?:20\d\d-\d\d-\d\d|20\d{6})\Z")


class Listed(Price):
    """A price with where and when it was seen."""

    source: str
    seen: dt.date


class PriceList(Noun):
    """The prices that ship."""

    date: dt.date
    """When the list was last gone through."""
    models: dict[str, Listed]


@cache
def shipped() -> PriceList:
    """Return the list that ships."""
    return PriceList.model_validate(yaml.safe_load(SHIPPED.read_text(encoding="utf-8")))


def price_of(model: str, own: Mapping[str, Price]) -> Price | None:
    """Return the price of `model`: the run's own one first; None where nobody names it."""
    for prices in (own, shipped().models):
        found = _find(model, prices) or _find(_DATED.sub("", model), prices)
        if found is not None:
            return found
    return None


def _find(model: str, prices: Mapping[str, Price]) -> Price | None:
    if model in prices:
        return prices[model]
    starts = [name for name in prices if name.endswith("*") and model.startswith(name[:-1])]
    return prices[max(starts, key=len)] if starts else None


def tariff(settings: Settings) -> dict[str, Price]:
    """Return what each of a campaign's roles pays; a role whose model has no price is left out."""
    found = {role: price_of(model, settings.prices) for role, model in _paid(settings)}
    return {role: price for role, price in found.items() if price is not None}


def _paid(settings: Settings) -> list[tuple[str, str]]:
    """Return the roles that a campaign pays for, with their models."""
    return [(name, role.model) for name, role in settings.roles if name in (*PLAYERS, CASTER)]


def require_prices(settings: Settings) -> None:
    """Refuse a budget in dollars for a model that has no price.

    Raises:
        ConfigError: Names the role and the model.
    """
    if settings.campaign.budget.usd is None:
        return
    known = tariff(settings)
    for role, model in _paid(settings):
        if role not in known:
            raise ConfigError(
                "a budget in dollars needs the price of every model",
                where=f"roles.{role}.model: {model}",
                expected=f"a model of the shipped list ({shipped().date}) or one under `prices:`",
                got="no price",
                mend=f'add to the run file: prices: {{"{model}": {{prompt: 0.5, cached: 0.05, '
                "completion: 2}} (US dollars for a million tokens; 0 for a server of your own)",
            )
