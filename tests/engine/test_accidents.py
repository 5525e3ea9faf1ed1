"""Failures drawn at random, whatever the load: in virtual time, so that no assertion is timed."""

from __future__ import annotations

import asyncio

import pytest

from domain.call import CallResult, Outcome
from engine.limits.accidents import Accidents
from tests.support.endpoints import Crowd, Figures, Server, figures
from tests.support.virtualtime import run


class Dropping(Server):
    """Lets a fifth of all calls fail, however many there are."""

    fails = Outcome.RATE_LIMITED
    after_s = 0.005

    async def ask(self) -> CallResult:
        if self._dice.random() >= 0.2:
            return await super().ask()
        await asyncio.sleep(self.after_s)
        return CallResult(outcome=self.fails, detail="drawn", latency_ms=1000 * self.after_s)


def later(crowd: Crowd, after_s: float) -> Figures:
    """Return how the endpoint is used in the minute that begins after `after_s`."""

    async def play() -> Figures:
        await crowd.start()
        await asyncio.sleep(after_s + 60)
        await crowd.stop()
        return figures(crowd.server, after_s, after_s + 60)

    return run(play())


@pytest.mark.parametrize("seed", [1, 2])
def test_refusals_at_random_do_not_hold_the_limit_low(seed: int) -> None:
    server = Dropping(64, 0.3, queues=True, sigma=0.1, seed=seed)
    found = later(Crowd(server, sessions=256, retry_s=0.05), 90)
    assert found.share >= 0.9
    assert found.latency <= 1.5


def test_timeouts_at_random_do_not_hold_the_limit_low() -> None:
    server = Dropping(64, 2.0, queues=True, sigma=0.1)
    server.fails, server.after_s = Outcome.TIMEOUT, 3.0
    assert later(Crowd(server, sessions=256, retry_s=0.05), 240).share >= 0.8


def accidents(*kept: tuple[int, int, int]) -> Accidents:
    """Return what is known after so many calls, and failures, at each load."""
    found = Accidents(0.0)
    for second, (load, ended, failed) in enumerate(kept):
        found.add(load, ended, failed, now=10.0 * second, round_s=1.0)
    return found


def test_as_many_failures_at_a_lower_load_explain_those_at_a_higher() -> None:
    assert accidents((1, 40, 8), (4, 0, 0), (16, 100, 20)).explain(16, in_flight=0)


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param([(1, 400, 0), (4, 0, 0), (16, 100, 1)], id="none fail at a lower load"),
        pytest.param([(1, 40, 8), (4, 0, 0), (16, 100, 50)], id="more fail at a higher load"),
        pytest.param([(1, 40, 30), (4, 0, 0), (16, 100, 75)], id="most fail at any load"),
        pytest.param([(1, 5, 1), (4, 0, 0), (16, 100, 20)], id="too few are known"),
        pytest.param([(16, 100, 20)], id="no lower load is known"),
    ],
)
def test_other_failures_go_by_load(kept: list[tuple[int, int, int]]) -> None:
    assert not accidents(*kept).explain(16, in_flight=0)


def test_what_is_forgotten_is_soon_unlearnt() -> None:
    found = accidents((1, 1000, 200), (16, 100, 20))
    found.forget()
    found.add(1, 200, 0, now=100.0, round_s=1.0)
    found.add(16, 100, 20, now=200.0, round_s=1.0)
    assert not found.explain(16, in_flight=0)
