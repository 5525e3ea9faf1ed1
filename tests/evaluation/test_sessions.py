"""The worker that plays models under test."""

from __future__ import annotations

import pytest

from agents.journal import NullJournal
from domain.base import canonical_json
from domain.errors import PackError
from domain.settings import Settings
from evaluation.sessions import PlayOrders, open_playing


def test_it_plays_by_the_drivers_pack_or_not_at_all() -> None:
    orders = PlayOrders(
        settings=Settings(name="test"), pack_hash="0" * 64, candidates={}, system_prompt=""
    )
    with pytest.raises(PackError, match="another pack"):
        open_playing(canonical_json(orders), NullJournal())
