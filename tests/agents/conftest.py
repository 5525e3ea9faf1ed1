"""Fixtures of the roles' tests: the pack, and connections that close with their loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from agents.line import close_line
from agents.pack import Pack, load_pack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(scope="session")
def pack() -> Pack:
    return load_pack("cbt")


@pytest_asyncio.fixture
async def line() -> AsyncIterator[None]:
    """Close the loop's connections after the test."""
    yield
    await close_line()
