from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from domain.settings import BudgetSettings
from engine.liaison import EVERY_S, Liaison
from engine.steward import Mandate, Steward

if TYPE_CHECKING:
    from engine.steward import Orders, Report


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
