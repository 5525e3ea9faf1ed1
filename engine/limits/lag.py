"""How late this process's event loop is, and so what our own load adds to every latency."""

from __future__ import annotations

import asyncio

EVERY_S = 0.02
"""Seconds between two looks: some of them in every report, at a ten thousandth of a core."""


class Lag:
    """Looks at the running event loop again and again.

    An answer waits until the loop notices it, and then for at least one more turn of the loop until
    it has been handed on from the socket to who waits for it. So does a timer that is due, and what
    it asks to be called next: how late that comes is taken for what the loop adds to a call.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._late = 0.0
        self._looks = 0
        self._handle: asyncio.Handle
        self._look_later()

    def take(self) -> float:
        """Return the mean since the last time, in seconds; a look that is due counts as it is."""
        mean = self._late / self._looks if self._looks else 0.0
        self._late, self._looks = 0.0, 0
        return max(mean, self._loop.time() - self._due)

    def stop(self) -> None:
        """Look no more."""
        self._handle.cancel()

    def _look_later(self) -> None:
        self._due = self._loop.time() + EVERY_S
        self._handle = self._loop.call_at(self._due, self._noticed)

    def _noticed(self) -> None:
        self._handle = self._loop.call_soon(self._handed_on)

    def _handed_on(self) -> None:
        self._late += max(0.0, self._loop.time() - self._due)
        self._looks += 1
        self._look_later()
