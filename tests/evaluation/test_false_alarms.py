"""A thousand experiments in which nothing differs: about one in twenty may look as if it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from evaluation.comparison import difference_of
from evaluation.paired import Paired, paired
from evaluation.spread import spread_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXPERIMENTS, SESSIONS, EACH = 1000, 20, 2
NAME = ("empathy", "hybrid", "real")


def experiment(draw: np.random.Generator) -> NDArray[np.int64]:
    """Scores of two equal models: [scenarios, 2], from 1 to 5; a session makes both easier."""
    ease = draw.normal(0, 0.7, (SESSIONS, 1, 1)) + draw.normal(0, 0.4, (SESSIONS, EACH, 1))
    own = draw.normal(0, 0.5, (SESSIONS, 1, 2))  # each model is better in some sessions
    scores = 3 + ease + own + draw.normal(0, 0.7, (SESSIONS, EACH, 2))
    return np.clip(np.rint(scores), 1, 5).astype(np.int64).reshape(-1, 2)


@pytest.mark.slow
def test_a_thousand_null_experiments_give_five_percent_of_false_alarms() -> None:
    draw = np.random.default_rng(20)
    names = [f"scenario-{n:02d}" for n in range(SESSIONS * EACH)]
    groups = {name: f"s{n // EACH}" for n, name in enumerate(names)}
    means = spreads = 0
    for seed in range(EXPERIMENTS):
        scores = experiment(draw)
        mine, theirs = (dict(zip(names, row.tolist(), strict=True)) for row in scores.T)
        pair = paired(NAME, mine, theirs, groups)
        gap = difference_of(pair, samples=100, seed=seed)
        spread = spread_of(pair, samples=100, seed=seed)
        means += gap is not None and gap.p is not None and gap.p < 0.05
        spreads += spread is not None and spread.p is not None and spread.p < 0.05
    assert abs(means / EXPERIMENTS - 0.05) <= 0.015
    assert abs(spreads / EXPERIMENTS - 0.05) <= 0.015


def test_an_interval_ends_where_differences_of_scores_do() -> None:
    """Three sessions that disagree: Student's t would reach beyond what scores can differ by."""
    pair = Paired("empathy", "real", "base", (1.0, 5.0, 1.0), (5.0, 1.0, 5.0), ("a", "b", "c"))
    gap = difference_of(pair, samples=100, seed=0)
    assert gap is not None
    assert (gap.low, gap.high) == (-4.0, 4.0)
