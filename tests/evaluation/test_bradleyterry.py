from __future__ import annotations

import math

import pytest

from evaluation.bradleyterry import Pairing, pairings_of, strengths


def pairings(wins: dict[tuple[str, str], tuple[int, int]]) -> list[Pairing]:
    """(first, second) -> how often the first won, and the second; every game a session."""
    return [
        Pairing(one, other, outcome, f"s{one}{other}{number}")
        for (one, other), (mine, theirs) in wins.items()
        for number, outcome in enumerate([1.0] * mine + [0.0] * theirs)
    ]


def test_two_models_differ_by_the_log_of_their_odds() -> None:
    # 60 against 20, and the tie that is added: 60.5 against 20.5
    found = {one.variant: one for one in strengths(pairings({("a", "b"): (60, 20)}), "empathy")}
    assert found["a"].strength == pytest.approx(math.log(60.5 / 20.5) / 2, abs=1e-6)
    assert found["b"].strength == pytest.approx(-found["a"].strength)
    assert found["a"].low > 0 > found["b"].high
    assert found["a"].comparisons == 80


def test_three_models_that_fit_the_model_exactly_get_its_strengths() -> None:
    # strengths log 1, log 2, log 4: odds of 2, 2 and 4 to 1; many games, so the added tie is small
    games = {("b", "a"): (2000, 1000), ("c", "b"): (2000, 1000), ("c", "a"): (2400, 600)}
    found = {one.variant: one.strength for one in strengths(pairings(games), "empathy")}
    assert found["b"] - found["a"] == pytest.approx(math.log(2), abs=0.01)
    assert found["c"] - found["a"] == pytest.approx(math.log(4), abs=0.01)
    assert sum(found.values()) == pytest.approx(0, abs=1e-9)


def test_one_that_always_wins_has_a_strength_all_the_same() -> None:
    found = strengths(pairings({("a", "b"): (12, 0)}), "empathy")
    assert all(math.isfinite(one.low) and math.isfinite(one.high) for one in found)


def test_games_of_one_session_count_as_one_witness() -> None:
    games = [
        Pairing("a", "b", 1.0 if n % 4 else 0.0, f"s{n // 8}" if n < 48 else f"t{n // 8}")
        for n in range(64)
    ]
    same = [one._replace(outcome=1.0 if int(one.group[1:]) % 4 else 0.0) for one in games]
    apart = strengths([one._replace(group=f"g{n}") for n, one in enumerate(same)], "empathy")[0]
    together = strengths(same, "empathy")[0]
    assert together.high - together.low > 1.5 * (apart.high - apart.low)


def test_few_sessions_get_no_strengths() -> None:
    games = [Pairing("a", "b", 1.0, f"s{n % 5}") for n in range(40)]
    assert strengths(games, "empathy") == []


def test_pairings_come_from_scores_on_the_same_scenario() -> None:
    scores = {
        ("a", "empathy"): {"x": 3.0, "y": 2.0, "z": 5.0},
        ("b", "empathy"): {"x": 1.0, "y": 2.0},
    }
    found = pairings_of(scores, "empathy", ["a", "b"], {"x": "s", "y": "t", "z": "u"})
    assert [(one.outcome, one.group) for one in found] == [(1.0, "s"), (0.5, "t")]
