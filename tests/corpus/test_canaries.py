from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from corpus.canaries import (
    SOURCE,
    among,
    canaries,
    exposure,
    planted,
    read_exposures,
    strangers,
    write_exposures,
)
from domain.errors import StoreError
from tests.corpus.builders import record

if TYPE_CHECKING:
    from domain.record import Record
    from domain.runfolder import RunFolder


def with_canaries(drawn: list[Record], count: int) -> list[Record]:
    named = ((one.id, one) for one in drawn)
    return [one for _, one in among(named, planted(len(drawn), count, 7))]


def test_canaries_are_planted_once_twice_and_four_times_among_the_sessions() -> None:
    drawn = [record(number) for number in range(20)]
    mixed = with_canaries(drawn, 3)
    assert [one for one in mixed if one.source != SOURCE] == drawn
    counts = Counter(one.id for one in mixed if one.source == SOURCE)
    assert sorted(counts.values()) == [1, 2, 4]
    assert mixed == with_canaries(drawn, 3)
    assert with_canaries(drawn, 0) == drawn


def test_strangers_say_another_number_in_the_same_words() -> None:
    one = canaries(1, 7)[0][0]
    others = strangers(0, 7, 50)
    said = {one.turns[1].text for one in others}
    assert len(said) == 50
    assert one.turns[1].text not in said
    assert {one.turns[0].text for one in others} == {one.turns[0].text}


@pytest.mark.parametrize(("loss", "rank"), [(0.5, 1), (2.5, 3), (9.0, 4), (2.0, 3)])
def test_exposure_is_by_rank_and_a_tie_is_no_memory(loss: float, rank: int) -> None:
    found = exposure(loss, [1.0, 2.0, 3.0], repeats=2)
    assert (found.rank, found.of) == (rank, 4)
    assert found.bits == pytest.approx(math.log2(4 / rank))


def test_exposures_are_read_as_they_were_written(run: RunFolder) -> None:
    assert read_exposures(run) == {}
    found = {"real": (exposure(1.0, [2.0], 1),)}
    write_exposures(run, found)
    assert read_exposures(run) == found
    (run.training / "canaries.json").write_text("[]", encoding="utf-8")
    with pytest.raises(StoreError, match="exposures"):
        read_exposures(run)
