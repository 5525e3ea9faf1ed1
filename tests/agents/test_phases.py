from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from agents.pack import Pack


@pytest.mark.parametrize("exchanges", range(3, 61))
def test_a_session_opens_first_and_closes_once_at_the_end(pack: Pack, exchanges: int) -> None:
    keys = [part.key for part in pack.phases.layout(exchanges)]
    assert len(keys) == exchanges
    assert keys[0] == "opening"
    assert [i for i, key in enumerate(keys) if key == "closing"] == [exchanges - 1]
    order = [part.key for part in pack.phases.parts]
    assert keys == sorted(keys, key=order.index)


def test_ten_exchanges_follow_the_shares(pack: Pack) -> None:
    keys = [part.key for part in pack.phases.layout(10)]
    assert [keys.count(part.key) for part in pack.phases.parts] == [1, 1, 3, 2, 1, 1, 1]


def test_a_client_opens_up_as_the_session_passes(pack: Pack) -> None:
    told = [pack.phases.open_to(exchange, 10) for exchange in range(1, 11)]
    assert list(dict.fromkeys(told)) == [stage.tell for stage in pack.phases.disclosure]
