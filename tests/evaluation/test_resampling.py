from __future__ import annotations

import numpy as np
import pytest

from evaluation.resampling import (
    ALL_EQUAL,
    ONE_GROUP,
    cluster,
    holm,
    interval,
    share_interval,
    sign_test,
)


def own(values: list[float]) -> list[str]:
    """Every value its own session."""
    return [f"s{index:03d}" for index in range(len(values))]


def test_holm_as_computed_by_hand() -> None:
    # sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1 = 0.04, 0.06, 0.06, 0.04 -> running maximum
    assert holm([0.01, 0.04, 0.03, 0.02]) == pytest.approx([0.04, 0.06, 0.06, 0.06])


def test_holm_leaves_untested_ones_out_of_the_count() -> None:
    assert holm([None, 0.03, None]) == [None, 0.03, None]
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_the_mean_is_over_values_not_over_sessions() -> None:
    clusters = cluster([1, 2, 3, 10], ["a", "a", "a", "b"])
    assert clusters.mean == 4.0
    assert clusters.counts.tolist() == [3, 1]


def test_sign_test_is_exact_for_few_sessions() -> None:
    # six positive differences: only all-plus and all-minus are as extreme, 2 of 64
    values = [1.0, 2, 1, 3, 1, 2]
    assert sign_test(cluster(values, own(values)), seed=0) == pytest.approx(2 / 64)


def test_sign_test_flips_sessions_not_scenarios() -> None:
    values = [1.0] * 12
    assert sign_test(cluster(values, ["a", "b", "c"] * 4), seed=0) == pytest.approx(2 / 8)


def test_sign_test_refuses_what_cannot_be_tested() -> None:
    assert sign_test(cluster([0.0, 0, 0], own([0, 0, 0])), seed=0) is None
    assert sign_test(cluster([1.0, 2], ["a", "a"]), seed=0) is None


def test_interval_is_near_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(1).normal(3, 1, 200).tolist()
    bounds = interval(cluster(values, own(values)), samples=4000, seed=0)
    half = 1.96 * np.std(values, ddof=1) / np.sqrt(200)
    assert bounds.low == pytest.approx(np.mean(values) - half, abs=0.03)
    assert bounds.high == pytest.approx(np.mean(values) + half, abs=0.03)
    assert not bounds.note


def test_scenarios_of_one_session_widen_the_interval() -> None:
    values = np.random.default_rng(2).normal(0, 1, 10).repeat(10).tolist()
    apart = interval(cluster(values, own(values)), samples=2000, seed=0)
    together = interval(
        cluster(values, [f"s{index // 10}" for index in range(100)]), samples=2000, seed=0
    )
    assert together.high - together.low > 2 * (apart.high - apart.low)


def test_interval_says_when_there_is_nothing_to_resample() -> None:
    assert interval(cluster([2.0, 2], ["a", "b"]), samples=100, seed=0).note == ALL_EQUAL
    assert interval(cluster([2.0, 3], ["a", "a"]), samples=100, seed=0).note == ONE_GROUP


def test_interval_is_the_same_for_the_same_seed_and_any_order() -> None:
    values, groups = [1.0, 2, 4, 4, 5], ["a", "b", "c", "d", "e"]
    first = interval(cluster(values, groups), samples=500, seed=3)
    assert interval(cluster(values[::-1], groups[::-1]), samples=500, seed=3) == first


@pytest.mark.parametrize("sessions", [3, 5, 12, 30])
def test_intervals_hold_the_true_mean_about_as_often_as_they_say(sessions: int) -> None:
    generator = np.random.default_rng(5)
    groups = [f"s{n % sessions:02d}" for n in range(4 * sessions)]
    held = 0
    for trial in range(150):
        shared = generator.normal(0, 0.5, sessions)
        values = [shared[n % sessions] + generator.normal() for n in range(4 * sessions)]
        bounds = interval(cluster(values, groups), samples=300, seed=trial)
        held += bounds.low <= 0 <= bounds.high
    assert 0.87 <= held / 150 <= 1.0


def test_a_t_interval_stays_within_what_a_mean_can_be() -> None:
    bounds = interval(
        cluster([1.0, 1, 5, 5], ["a", "a", "b", "b"]), samples=100, seed=0, limits=(1, 5)
    )
    assert (bounds.low, bounds.high) == (1, 5)


def test_a_share_of_all_wins_is_not_called_certain() -> None:
    bounds = share_interval(cluster([1.0] * 8, own([1.0] * 8)), samples=100, seed=0)
    assert bounds.low == pytest.approx(0.6756, abs=1e-3)  # Wilson, 8 of 8
    assert bounds.high == 1


def test_under_the_null_the_test_rejects_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(11)
    rejected = 0
    for trial in range(120):
        gaps = generator.integers(1, 6, 18) - generator.integers(1, 6, 18)
        p = sign_test(cluster(gaps.tolist(), own(gaps.tolist())), seed=trial)
        rejected += p is not None and p < 0.05
    assert rejected / 120 <= 0.11  # three standard errors above 0.05
