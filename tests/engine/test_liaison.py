from __future__ import annotations

import asyncio

import pytest

from domain.settings import BudgetSettings
from engine.liaison import EVERY_S, Liaison
from engine.steward import Mandate, Steward


@pytest.mark.parametrize("turns", range(6))
async def test_a_liaison_ends_whatever_it_is_about(turns: int) -> None:
    """It is asked to end just as a call asks for leave: turn by turn of the event loop."""
    liaison = Liaison(1, Steward(Mandate(BudgetSettings())))
    await asyncio.sleep(EVERY_S / 2)
    liaison.wallet.asks.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    await asyncio.wait_for(liaison.aclose(), 30)
