from __future__ import annotations

from measures.diversity import distinct, near_duplicate_rate, near_duplicates, overlap

ONE = "the train was late again and I stood there with my heart beating in my throat"
TWO = "my sister rang on Sunday because the dog had eaten all of the birthday cake"


def test_distinct_counts_different_runs() -> None:
    assert distinct(["a b a b"], 2) == 2 / 3
    assert distinct([], 2) == 0.0


def test_near_duplicates_are_paired() -> None:
    texts = [ONE, TWO, ONE + " today"]
    assert near_duplicates(texts) == ((0, 2),)
    assert near_duplicate_rate(texts) == 2 / 3


def test_different_sessions_are_not() -> None:
    assert near_duplicates([ONE, TWO]) == ()
    assert near_duplicate_rate([]) == 0.0


def test_overlap_is_a_share() -> None:
    assert overlap(ONE, ONE) == 1.0
    assert overlap(ONE, TWO) == 0.0
