from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from domain.settings import BudgetSettings
from engine.liaison import EVERY_S, Liaison
from engine.limits.sight import Bounds, Seen
from engine.spending.budget import NOTHING, Spend
from engine.spending.cohort import Progress
from engine.spending.wallet import Account
from engine.steward import Mandate, Report, Steward

if TYPE_CHECKING:
    from engine.steward import Orders


class Heard(Steward):
    """A steward that keeps the numbers of the reports it was given."""

    def __init__(self) -> None:
        super().__init__(Mandate(BudgetSettings()))
        self.numbers: list[int] = []

    async def exchange(self, report: Report) -> Orders:
        self.numbers.append(report.number)
        return await super().exchange(report)


@pytest.mark.parametrize("turns", range(6))
async def test_a_liaison_ends_whatever_it_is_about(turns: int) -> None:
    """It is asked to end just as a call asks for leave: turn by turn of the event loop."""
    steward = Heard()
    before = asyncio.all_tasks()
    liaison = Liaison(1, steward)
    await asyncio.sleep(EVERY_S / 2)
    liaison.wallet.asks.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    told = len(steward.numbers)
    await asyncio.wait_for(liaison.aclose(), 30)
    assert asyncio.all_tasks() == before, "nothing of it goes on"
    assert len(steward.numbers) > told, "it reports a last time"
    assert steward.numbers == sorted(set(steward.numbers)), "no report is given twice"
    told = len(steward.numbers)
    liaison.wallet.asks.set()
    await asyncio.sleep(2 * EVERY_S)
    assert len(steward.numbers) == told, "it reports no more"


def report(number: int, claim: Spend, answered: int) -> Report:
    seen = Seen(Bounds(8), answers={"client": answered}, demand=4)
    account = Account(NOTHING, claim, NOTHING, Spend(100, 0, 0))
    return Report(1, number, account, Progress(), {"http://h/v1": seen})


async def test_a_report_that_comes_late_is_not_heard() -> None:
    """Its worker has said since what it claims: the older word would free that for others."""
    steward = Steward(Mandate(BudgetSettings(calls=10)))
    await steward.exchange(report(2, Spend(10, 0, 0), answered=3))
    for late in (1, 2):
        orders = await steward.exchange(report(late, NOTHING, answered=50))
        assert orders.grant.more == NOTHING
        assert not orders.endpoints
    assert steward.endpoints()[0].answered == 3
    await steward.exchange(report(3, NOTHING, answered=4))
    assert steward.endpoints()[0].answered == 7
    steward.leave(1, NOTHING)
    await steward.exchange(report(4, NOTHING, answered=5))
    assert steward.endpoints()[0].answered == 7, "nor is that of a worker that has died"
    assert steward.endpoints()[0].waiting == 0
