from __future__ import annotations

import random

import pytest

from corpus.near import RUN, near_across, near_pairs, recall, rows_for, runs, signatures
from measures.diversity import near_duplicates


def talk(rng: random.Random, length: int = 200) -> list[str]:
    return [f"w{rng.randrange(3000)}" for _ in range(length)]


def family(seed: int, changed: float, members: int = 2) -> list[str]:
    rng = random.Random(seed)
    first = talk(rng)
    return [
        " ".join(word if rng.random() > changed * i else f"x{rng.randrange(9)}" for word in first)
        for i in range(members)
    ]


def test_what_is_found_is_what_comparing_all_pairs_finds() -> None:
    texts = [text for seed in range(12) for text in family(seed, changed=0.03 * (seed % 4))]
    assert near_pairs(texts, 0.3) == near_duplicates(texts, RUN, 0.3)
    assert len(near_pairs(texts, 0.3)) >= 6


def test_across_counts_pairs_of_both_sides_only() -> None:
    ours, theirs = family(1, 0.0), [*family(2, 0.0), family(1, 0.0)[0]]
    assert near_across(ours, theirs, 0.9) == ((0, 2), (1, 2))
    assert near_across(ours, [], 0.9) == ()


def test_a_crowd_of_one_text_is_found_without_comparing_all() -> None:
    texts = ["the very same words are said again in every one of these sessions"] * 300
    twins = {at for pair in near_pairs(texts, 0.8) for at in pair}
    assert twins == set(range(300))


def test_short_texts_are_one_run() -> None:
    assert runs("Hello there.") == {"hello there"}
    assert runs("") == frozenset()
    assert near_pairs(["hello there", "Hello, there!", "something else"], 0.9) == ((0, 1),)


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7, 0.9])
def test_bands_are_drawn_so_that_few_pairs_are_missed(threshold: float) -> None:
    rows = rows_for(threshold)
    assert recall(threshold, rows) >= 0.98
    assert recall(threshold / 5, rows) < 0.6


def test_signatures_do_not_change_from_run_to_run() -> None:
    """Recorded: files of signatures are compared across machines and versions."""
    found = signatures(["so what went through your mind just then"])
    assert found.shape == (1, 128)
    assert found[0, :3].tolist() == [3479442299, 3389751359, 3596355182]
