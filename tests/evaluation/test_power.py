from __future__ import annotations

import numpy as np
import pytest

from evaluation.power import power_of
from evaluation.resampling import cluster


def own(count: int) -> list[str]:
    return [f"s{n:03d}" for n in range(count)]


def test_thirty_four_pairs_for_half_a_standard_deviation() -> None:
    # the textbook's example: d = 0.5, alpha 0.05 two-sided, power 0.8, paired: 33.4, so 34 pairs
    gaps = np.array([1.5, -0.5] * 10)
    gaps = (gaps - gaps.mean()) / gaps.std(ddof=1) + 0.5
    found = power_of(cluster(gaps.tolist(), own(20)))
    assert (found.sessions, found.scenarios) == (34, 34)
    assert found.detectable == pytest.approx(0.66, abs=0.01)  # d that 20 pairs see at 80% power


def test_scenarios_of_one_session_do_not_count_as_new_ones() -> None:
    gaps = np.random.default_rng(2).normal(0.4, 1, 20)
    alone = power_of(cluster(gaps.tolist(), own(20)))
    fourfold = power_of(cluster(gaps.repeat(4).tolist(), np.repeat(own(20), 4).tolist()))
    assert fourfold.sessions == alone.sessions
    assert alone.scenarios is not None
    assert fourfold.scenarios == 4 * alone.scenarios


def test_where_it_cannot_be_told_nothing_is_said() -> None:
    assert power_of(cluster([0.0] * 5, own(5))).detectable is None
    assert power_of(cluster([1.0, 2.0], ["a", "a"])).sessions is None
    assert power_of(cluster([1.0, -1.0] * 4, own(8))).sessions is None
