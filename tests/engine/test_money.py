"""The budget over real runs: an endpoint that uses all it may, and workers that share a purse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from domain.call import Reservation, Role
from domain.errors import BudgetReachedError
from domain.price import Price
from domain.progress import silent
from domain.settings import BudgetSettings, EngineSettings
from engine.ledger.store import Store
from engine.live import read_live
from engine.pool import run_all
from engine.spending.budget import at_most, limits_of
from tests.engine.jobs import KEY, talk

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.conftest import Endpoint

PRICES = {"client": Price(prompt=2.0, cached=0.2, completion=8.0)}
ITEMS = [(f"session-{n}", f"session-{n}".encode()) for n in range(24)]
ENGINES = [
    pytest.param(EngineSettings(kind="inline", sessions_in_flight=16), id="inline"),
    pytest.param(
        EngineSettings(kind="ray", workers=2, sessions_in_flight=8),
        id="ray",
        marks=pytest.mark.ray,
    ),
]
BUDGETS = [
    pytest.param(BudgetSettings(calls=77), id="calls"),
    pytest.param(BudgetSettings(tokens=40_000), id="tokens"),
    pytest.param(BudgetSettings(usd=0.08), id="usd"),
]


def run(folder: Path, endpoint: Endpoint, engine: EngineSettings, budget: BudgetSettings) -> None:
    payload = json.dumps({"calls": 20, "url": endpoint.url, "greedy": True}).encode()
    run_all(
        talk, payload, ITEMS, folder / "ledger", engine, budget, "hash", silent,
        prices=PRICES, live=folder / "live.json", cancel=folder / "cancel",
    )  # fmt: skip


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> EngineSettings:
    found: EngineSettings = request.param
    if found.kind == "ray":
        request.getfixturevalue("local_ray")
    return found


@pytest.mark.parametrize("budget", BUDGETS)
def test_an_endpoint_that_uses_all_it_may_cannot_overspend(
    tmp_path: Path, endpoint: Endpoint, engine: EngineSettings, budget: BudgetSettings
) -> None:
    endpoint.latency_s = 0.005
    with pytest.raises(BudgetReachedError) as stopped:
        run(tmp_path, endpoint, engine, budget)
    spent, limits = Store(tmp_path / "ledger").spent(PRICES), limits_of(budget)
    dearest = at_most(Reservation(KEY, Role.CLIENT, "m", 2000, 20), PRICES["client"])
    assert spent.calls == len(endpoint.keys)
    assert spent.fits(limits)
    assert not (spent + dearest).fits(limits)
    assert "spent" in stopped.value.fields()["got"]
    live = read_live(tmp_path / "live.json")
    assert live is not None
    assert live[0].over
    assert live[0].spent == (spent.calls, spent.tokens, spent.pico)


def test_a_new_budget_goes_on_and_pays_nothing_twice(tmp_path: Path, endpoint: Endpoint) -> None:
    inline = EngineSettings(kind="inline", sessions_in_flight=16)
    for calls in (50, 120):
        with pytest.raises(BudgetReachedError):
            run(tmp_path, endpoint, inline, BudgetSettings(calls=calls))
        assert len(endpoint.keys) == calls
    run(tmp_path, endpoint, inline, BudgetSettings())
    assert len(endpoint.keys) == len(set(endpoint.keys)) == 24 * 20


def test_after_the_deadline_nothing_new_is_asked(tmp_path: Path, endpoint: Endpoint) -> None:
    endpoint.latency_s = 0.05
    inline = EngineSettings(kind="inline", sessions_in_flight=2)
    with pytest.raises(BudgetReachedError, match="deadline"):
        run(tmp_path, endpoint, inline, BudgetSettings(deadline_s=0.5))
    assert 0 < len(endpoint.keys) < 24 * 20
