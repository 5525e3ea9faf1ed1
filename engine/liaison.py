"""A worker's side of the steward: gathers what it reports, and obeys what it is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.gates import Gates
from engine.steward import Report

if TYPE_CHECKING:
    from engine.steward import Link, Orders

EVERY_S = 0.1
"""Seconds between reports."""


class Liaison:
    """Reports for one worker while its event loop runs."""

    def __init__(self, worker: int, link: Link) -> None:
        self.gates = Gates()
        self._worker = worker
        self._link = link
        self._number = 0
        self._task = asyncio.create_task(self._go_on())

    async def _go_on(self) -> None:
        while True:
            await self.exchange()
            await asyncio.sleep(EVERY_S)

    async def exchange(self) -> None:
        """Report once, and obey."""
        self._number += 1
        self._obey(await self._link.exchange(Report(self._worker, self._number)))

    def _obey(self, orders: Orders) -> None:
        """Nothing is ordered yet."""

    async def aclose(self) -> None:
        """Report no more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
