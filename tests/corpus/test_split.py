from __future__ import annotations

import pytest

from corpus.split import contexts_of, split
from domain.errors import BlendError
from domain.record import Quality, Record
from domain.turn import Speaker
from tests.corpus.builders import record

RECORDS = [
    record(
        n,
        group=f"video-{n // 2}",
        quality=Quality.LOW if n % 5 == 0 else Quality.HIGH,
    )
    for n in range(40)
]


@pytest.mark.parametrize("seed", range(8))
def test_no_group_stands_on_both_sides(seed: int) -> None:
    parts = split(RECORDS, 0.2, seed)
    kept, out = ({one.group for one in side} for side in (parts.kept, parts.held_out))
    assert not kept & out
    assert sorted(one.id for one in (*parts.kept, *parts.held_out)) == sorted(
        one.id for one in RECORDS
    )
    assert len(parts.held_out) == 8


def test_the_seed_decides() -> None:
    assert split(RECORDS, 0.2, 1) == split(RECORDS, 0.2, 1)
    assert split(RECORDS, 0.2, 1) != split(RECORDS, 0.2, 2)


@pytest.mark.parametrize(
    "records",
    [
        [record(1)],
        [record(1, group="a"), record(2, group="a")],
        [record(1), record(2, quality=Quality.LOW)],
    ],
)
def test_one_group_cannot_be_split(records: list[Record]) -> None:
    with pytest.raises(BlendError, match="cannot be split") as caught:
        split(records, 0.5, 1)
    assert "Add transcripts" in caught.value.mend


def test_something_is_always_left_to_learn_from() -> None:
    parts = split([record(1), record(2)], 0.99, 1)
    assert len(parts.kept) == len(parts.held_out) == 1


def test_scenarios_end_with_a_client_turn_and_are_spread() -> None:
    records = [record(n, exchanges=20) for n in range(4)]
    contexts = contexts_of(records, 10, 7)
    assert len({one.id for one in contexts}) == 10
    counts = sorted(sum(one.record_id == r.id for one in contexts) for r in records)
    assert counts == [2, 2, 3, 3]
    for one in contexts:
        assert one.turns[-1].speaker is Speaker.CLIENT
        assert len(one.turns[-1].text.split()) >= 4
        assert 4 <= len(one.turns) <= 8
        source = next(r for r in records if r.id == one.record_id)
        assert source.turns[one.turns[-1].index + 1].text == one.reference


def test_poor_sessions_give_no_scenario() -> None:
    assert contexts_of([record(1, quality=Quality.LOW)], 5, 7) == ()


def test_scenarios_are_no_more_than_there_are_places() -> None:
    assert len(contexts_of([record(1, exchanges=4)], 50, 7)) == 2
