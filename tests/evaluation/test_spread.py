from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evaluation.paired import paired
from evaluation.spread import spread_of

NAME = ("empathy", "hybrid", "real")


def scored(values: list[int]) -> dict[str, int]:
    return {f"scenario-{place:03d}": value for place, value in enumerate(values)}


def own(count: int, sessions: int = 0) -> dict[str, str]:
    return {f"scenario-{n:03d}": f"s{n % (sessions or count):03d}" for n in range(count)}


def test_the_ratio_of_variances_as_computed_by_hand() -> None:
    # 2 3 4 2 3 4: squared deviations 1 0 1 1 0 1 = 4; 1 3 5 1 3 5: 4 0 4 4 0 4 = 16
    found = spread_of(
        paired(NAME, scored([2, 3, 4] * 2), scored([1, 3, 5] * 2), own(6)), samples=300, seed=1
    )
    assert found is not None
    assert found.ratio == pytest.approx(4 / 16)
    assert (found.sd, found.sd_against) == pytest.approx(((4 / 5) ** 0.5, (16 / 5) ** 0.5))
    # four sessions differ, by -3 each, and two by 0: only all signs alike are as extreme, 2 of 2**4
    assert found.p == pytest.approx(2 / 2**4)


def test_the_test_agrees_with_pitman_and_morgan_on_normal_scores() -> None:
    draw = np.random.default_rng(8)
    # fine scores, so that ties do not matter; the test takes them as they come
    base = draw.normal(0, 300, 60)
    one = np.round(base + draw.normal(0, 300, 60)).astype(int)
    other = np.round(base + draw.normal(0, 480, 60)).astype(int)
    found = spread_of(
        paired(NAME, scored(one.tolist()), scored(other.tolist()), own(60)), samples=500, seed=1
    )
    assert found is not None
    expected = stats.pearsonr(one + other, one - other).pvalue
    assert found.p == pytest.approx(expected, abs=0.01)
    assert found.low is not None
    assert found.high is not None
    assert found.low < float(np.var(one) / np.var(other)) < found.high


def test_a_shift_of_the_mean_is_no_difference_in_spread() -> None:
    draw = np.random.default_rng(3).integers(1, 4, 40)
    found = spread_of(
        paired(NAME, scored(draw.tolist()), scored((draw + 1).tolist()), own(40)),
        samples=300,
        seed=1,
    )
    assert found is not None
    assert found.ratio == pytest.approx(1)
    assert found.p is None


@pytest.mark.parametrize(
    ("mine", "theirs", "note"),
    [
        ([3] * 8, [3] * 8, "neither varies"),
        ([3] * 8, [1, 5] * 4, "does not vary at all"),
    ],
)
def test_no_ratio_is_made_up(mine: list[int], theirs: list[int], note: str) -> None:
    found = spread_of(paired(NAME, scored(mine), scored(theirs), own(8)), samples=300, seed=1)
    assert found is not None
    assert note in found.note
    assert found.ratio is None


def test_few_sessions_are_not_tested() -> None:
    found = spread_of(
        paired(NAME, scored([1, 5] * 10), scored([3, 3, 2, 4] * 5), own(20, 4)), samples=300, seed=1
    )
    assert found is not None
    assert (found.p, found.low) == (None, None)
    assert "too few" in found.note
