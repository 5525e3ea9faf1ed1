"""A worker's side of the steward: gathers what it reports, and obeys what it is told."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from domain.errors import RehearsalError
from engine.limits.gates import Gates
from engine.limits.lag import Lag
from engine.spending.wallet import Wallet
from engine.steward import Report

if TYPE_CHECKING:
    from engine.steward import Link, Orders

logger = logging.getLogger(__name__)

EVERY_S = 0.1
"""Seconds between reports."""
LEAST_S = 0.005
"""The same where something cannot wait."""
PATIENCE_S = 10.0
"""Seconds after which a steward counts as one that does not answer."""


class Liaison:
    """Reports for one worker while its event loop runs."""

    def __init__(self, worker: int, link: Link) -> None:
        self.wallet = Wallet()
        self.gates = Gates(alarm=self.wallet.asks.set)
        self._worker = worker
        self._link = link
        self._number = 0
        self._missed = False
        self._lag = Lag()
        self._task = asyncio.create_task(self._go_on())

    async def _go_on(self) -> None:
        """Report at intervals, and soon when a call waits for leave or was refused.

        A steward that does not answer ends a run with a budget: nobody else knows what may be
        spent. Any other run goes on by the last orders.
        """
        while True:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self.exchange()
                self._missed = False
            except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear it
                if self.wallet.needs_steward:
                    self._stop(_lost(error))
                    return
                self._carry_on(error)
            if self.wallet.over is not None:
                self.gates.stop(self.wallet.over)
            await asyncio.sleep(LEAST_S)
            with suppress(TimeoutError):
                # Not wait_for: before Python 3.12 it may lose a cancellation, and go on for ever.
                async with asyncio.timeout(EVERY_S - LEAST_S):
                    await self.wallet.asks.wait()

    def _stop(self, error: RehearsalError) -> None:
        self.wallet.stop(error)
        self.gates.stop(error)

    def _carry_on(self, error: Exception) -> None:
        self.gates.carry_on()
        if not self._missed:
            self._missed = True
            logger.warning("%s; the worker goes on by its last orders", _lost(error))

    async def exchange(self) -> None:
        """Report once, and obey."""
        self.wallet.beat()
        self._number += 1
        report = Report(
            self._worker,
            self._number,
            self.wallet.account(),
            self.wallet.cohort.progress(),
            self.gates.report(self._lag.take()),
        )
        self._obey(await self._link.exchange(report))

    def _obey(self, orders: Orders) -> None:
        self.wallet.agree(orders.terms)
        self.wallet.receive(orders.grant)
        self.gates.obey(orders.endpoints)

    def abandon(self) -> None:
        """Report no more; enough where nothing was begun that a report could tell."""
        self._lag.stop()
        self._task.cancel()

    async def aclose(self) -> None:
        """Report a last time, what is not needed being given back."""
        self.abandon()
        await asyncio.gather(self._task, return_exceptions=True)
        with suppress(Exception):  # a steward that is gone needs no report
            await self.exchange()


def _lost(error: Exception) -> RehearsalError:
    if isinstance(error, RehearsalError):
        return error
    return RehearsalError(
        "the steward of the run does not answer",
        where="engine/steward.py",
        got=f"{type(error).__name__}: {error}".splitlines()[0],
        mend="Run `rehearsal campaign resume`; what was recorded is kept.",
    )
