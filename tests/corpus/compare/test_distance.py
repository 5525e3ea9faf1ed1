from __future__ import annotations

import math

import numpy as np
import pytest

from corpus.compare.distance import frontier_area, mauve, mmd, vendi
from corpus.compare.encode import TfidfEncoder, unit


def spread(seed: int, n: int, shift: float = 0.0) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(n, 8))
    drawn[:, 0] += shift
    return unit(drawn)


def test_the_frontier_of_equal_distributions_has_area_one() -> None:
    p = np.array([0.2, 0.3, 0.5])
    assert frontier_area(p, p) == pytest.approx(1.0, abs=1e-9)


def test_the_frontier_of_distributions_apart_is_the_beta_function() -> None:
    """Without a common bucket the frontier is ((1-w)^c, w^c), whose area is c·B(c+1, c)."""
    p, q = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    by_hand = 5 * math.gamma(6) * math.gamma(5) / math.gamma(11)
    assert by_hand == pytest.approx(0.003968, abs=1e-6)
    assert frontier_area(p, q) == pytest.approx(by_hand, rel=0.15)  # 25 mixtures, not all


def test_the_frontier_does_not_care_which_side_is_first() -> None:
    p, q = np.array([0.7, 0.2, 0.1]), np.array([0.1, 0.3, 0.6])
    assert frontier_area(p, q) == pytest.approx(frontier_area(q, p))
    assert 0.05 < frontier_area(p, q) < 0.9


def test_mauve_tells_the_same_from_the_different() -> None:
    same = mauve(spread(1, 300), spread(2, 300), 0)
    apart = mauve(spread(1, 300), spread(2, 300, shift=4), 0)
    assert same > 0.85
    assert apart < 0.3
    assert mauve(np.ones((30, 3)), np.ones((30, 3)), 0) == 1.0


def test_vendi_counts_what_has_nothing_in_common() -> None:
    assert vendi(np.eye(5)) == pytest.approx(5)
    assert vendi(np.ones((7, 7))) == pytest.approx(1)
    halves = np.repeat(np.eye(2), [3, 1], axis=0)  # three alike, one other
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert vendi(halves @ halves.T) == pytest.approx(math.exp(entropy))


def test_templates_are_less_varied_whatever_they_are_compared_with() -> None:
    rng = np.random.default_rng(0)
    words = [f"w{n}" for n in range(400)]
    free = [" ".join(rng.choice(words, 12)) for _ in range(120)]
    templates = [f"so what went through your mind when {word} came" for word in words[:120]]
    encoder = TfidfEncoder([*free, *templates], 0)
    assert vendi(encoder.likeness(templates)) < 0.7 * vendi(encoder.likeness(free))


def test_mmd_by_hand() -> None:
    """Two equal vectors against two equal others, all distances 2 or 0: 1 + 1 - 2·exp(-2/2)."""
    first, second = np.tile([1.0, 0.0], (2, 1)), np.tile([0.0, 1.0], (2, 1))
    found = mmd(first, np.arange(2), second, np.arange(2), 20, 0)
    assert found.value == pytest.approx(2 - 2 * math.exp(-1))


def test_sessions_are_permuted_not_utterances() -> None:
    """Each session has a place of its own: utterances differ by side, but only as sessions do."""
    rng = np.random.default_rng(5)
    places = rng.normal(size=(20, 8)) * 3
    said = np.repeat(places, 30, axis=0) + rng.normal(size=(600, 8)) * 0.1
    vectors, sessions = unit(said), np.repeat(np.arange(20), 30)
    split = 300
    by_session = mmd(
        vectors[:split], sessions[:split], vectors[split:], sessions[split:] - 10, 200, 0
    )
    alone = np.arange(300)
    by_utterance = mmd(vectors[:split], alone, vectors[split:], alone, 200, 0)
    assert by_session.value == pytest.approx(by_utterance.value)
    assert by_session.p > 0.05
    assert by_utterance.p < 0.01


def test_mmd_finds_a_difference() -> None:
    found = mmd(
        spread(1, 200), np.arange(200) // 10, spread(2, 200, 1), np.arange(200) // 10, 99, 0
    )
    assert found.p == pytest.approx(0.01)
    assert found.value > found.by_chance
