from __future__ import annotations

import csv
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from training.packing import best_fit

if TYPE_CHECKING:
    from pathlib import Path


def fill(lengths: list[int], capacity: int) -> float:
    return sum(lengths) / (len(best_fit(lengths, capacity)) * capacity)


def test_the_fullest_row_with_room_is_taken() -> None:
    # 7 | 6 | then 3 fits both and fills the first, 4 fills the second
    assert best_fit([3, 7, 6, 4], 10) == [[1, 0], [2, 3]]


def test_a_sequence_longer_than_a_row_has_one_of_its_own() -> None:
    assert best_fit([4, 30, 5], 10) == [[1], [2, 0]]
    assert best_fit([], 10) == []


@pytest.mark.parametrize("seed", range(5))
def test_each_sequence_has_one_place_and_no_row_overflows(seed: int) -> None:
    lengths = np.random.default_rng(seed).integers(1, 300, 400).tolist()
    rows = best_fit(lengths, 300)
    assert sorted(index for row in rows for index in row) == list(range(400))
    assert max(sum(lengths[index] for index in row) for row in rows) <= 300
    assert len(rows) <= 11 / 9 * -(-sum(lengths) // 300) + 1


def test_rows_of_real_sessions_are_full(real_data: Path) -> None:
    """AnnoMI's development part, counted in words, cut to a row at most."""
    words: Counter[str] = Counter()
    with (real_data / "annomi" / "annomi-dev.csv").open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            words[row["transcript_id"]] += len(row["utterance_text"].split())
    assert fill([min(count, 1024) for count in words.values()], 1024) > 0.96
