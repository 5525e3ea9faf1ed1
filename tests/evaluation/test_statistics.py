from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from domain.verdict import Verdict
from evaluation.statistics import comparisons, ordered, summarise

if TYPE_CHECKING:
    from evaluation.summary import Difference, Summary

Scores = dict[str, list[int | None]]
EQUAL: Scores = {"base": [3] * 8, "real": [3] * 8}
SCORES: Scores = {
    "base": [1, 2, 2, 1, 2, 3, 2, 1],
    "real": [3, 3, 2, 2, 3, 4, 3, 2],
    "hybrid": [4, 3, 3, 3, 4, 4, 3, 3],
    "reference": [5, 4, 4, 5, 5, 4, 4, 4],
}


def verdicts(scores: Scores) -> list[Verdict]:
    return [
        Verdict(
            scenario_id=f"scenario-{place}",
            variant=variant,
            criterion="empathy",
            score=score,
            failure="" if score else "invalid: not the schema",
            call=f"answer-{variant}-{place}/0/0/0",
        )
        for variant, row in scores.items()
        for place, score in enumerate(row)
    ]


def summary(scores: Scores, groups: int = 8) -> Summary:
    sessions = {f"scenario-{place}": f"video-{place % groups}" for place in range(8)}
    return summarise(verdicts(scores), sessions, samples=500, seed=1)


def difference(found: Summary, variant: str, against: str) -> Difference:
    return next(
        one for one in found.differences if (one.variant, one.against) == (variant, against)
    )


def test_means_differences_and_wins_as_counted_by_hand() -> None:
    found = summary(SCORES)
    means = {mean.variant: mean for mean in found.means}
    assert means["base"].mean == pytest.approx(14 / 8)
    assert means["base"].counts == (3, 4, 1, 0, 0)
    gap = difference(found, "hybrid", "real")
    # 4-3 3-3 3-2 3-2 4-3 4-4 3-3 3-2 = 1 0 1 1 1 0 0 1
    assert (gap.wins, gap.ties, gap.losses) == (5, 3, 0)
    assert gap.mean == pytest.approx(5 / 8)
    assert gap.win_share == pytest.approx(6.5 / 8)
    assert gap.effect == pytest.approx((5 / 8) / (15 / 56) ** 0.5)
    assert gap.p == pytest.approx(2 / 2**5)  # ties flip to themselves


def test_the_reference_stands_last_and_is_never_compared() -> None:
    found = summary(SCORES)
    assert [mean.variant for mean in found.means] == ["base", "real", "hybrid", "reference"]
    assert all("reference" not in (one.variant, one.against) for one in found.differences)


def test_significance_is_judged_after_correction() -> None:
    found = summary(SCORES)
    assert difference(found, "hybrid", "base").significant
    gap = difference(found, "hybrid", "real")
    assert gap.p_holm is not None
    assert gap.p is not None
    assert gap.p_holm >= gap.p
    assert not gap.significant


def test_a_verdict_without_a_score_is_counted_and_left_out() -> None:
    broken: Scores = {
        "base": [None, 4, 4, 4, 4, 4, 4, 4],
        "real": [1, 4, 4, 4, 4, 4, 4, None],
    }
    found = summary(broken)
    base = found.means[0]
    assert (base.n, base.failures, base.mean) == (7, 1, 4.0)
    assert difference(found, "real", "base").n == 6
    assert [(one.variant, one.reason, one.count) for one in found.failures] == [
        ("base", "invalid", 1),
        ("real", "invalid", 1),
    ]


def test_a_variant_whose_every_verdict_failed_has_no_mean() -> None:
    found = summary({"base": [3] * 8, "real": [None] * 8})
    assert [mean.variant for mean in found.means] == ["base"]
    assert not found.differences


def test_equal_scores_say_so_instead_of_a_p_value() -> None:
    gap = summary(EQUAL).differences[0]
    assert (gap.p, gap.p_holm, gap.significant, gap.effect) == (None, None, False, None)
    assert "same score" in gap.reason


def test_few_sessions_are_said_to_be_too_few() -> None:
    gap = difference(summary(SCORES, groups=4), "hybrid", "base")
    assert gap.groups == 4
    assert not gap.significant
    assert "too few" in gap.reason


def test_the_order_of_verdicts_does_not_matter() -> None:
    rows = verdicts(dict(SCORES))
    sessions = {f"scenario-{place}": f"video-{place}" for place in range(8)}
    first = summarise(rows, sessions, samples=200, seed=1)
    random.Random(5).shuffle(rows)
    assert summarise(rows, sessions, samples=200, seed=1) == first


def test_comparisons_put_the_question_first_and_controls_last() -> None:
    names = ordered(["hybrid", "own", "base", "real", "shuffled", "reference"])
    assert names == ["base", "shuffled", "real", "hybrid", "own", "reference"]
    assert comparisons(names) == [
        ("hybrid", "real"),
        ("own", "base"),
        ("hybrid", "base"),
        ("real", "base"),
        ("real", "shuffled"),
    ]
