"""A server to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest

from understudy.server import Running, start

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def server() -> AsyncIterator[Running]:
    running = await start()
    yield running
    await running.close()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
