from __future__ import annotations

import pytest

from measures.persona import Facts, contradictions
from tests.support.cast import turns_of

FACTS = Facts("Mara Lindt", 34, "lives with her sister", "school secretary")
ALONE = Facts("Jon", 61, "lives alone", "retired postman")


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("Well, I'm 52.", "age"),
        ("I am fifty-two years old, after all.", "age"),
        ("As a 19-year-old I have my life ahead of me.", "age"),
        ("I just turned sixty.", "age"),
        ("My name is Bertha, by the way.", "name"),
        ("I live alone, nobody would notice.", "alone"),
        ("We have no children. I don't have any kids.", "childless"),
        ("I'm retired now, so I have time.", "workless"),
    ],
)
def test_what_the_case_says_otherwise_is_found(said: str, what: str) -> None:
    facts = FACTS._replace(household="lives with her sister and two children")
    found = contradictions(turns_of("Hello.", said), facts)
    assert [(one.turn, one.what) for one in found] == [(1, what)]


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        ("I'm 34 and I still blush.", FACTS),
        ("I'll be 35 next month.", FACTS),
        ("I'm 34. My sister is 29.", FACTS),
        ("When I was 12 we moved.", FACTS),
        ("I'm 100 percent sure of it.", FACTS),
        ("I'm 20 minutes late every day.", FACTS),
        ("My name is Mara.", FACTS),
        ("I live alone and I'm retired.", ALONE),
        ("I have no children.", ALONE),
    ],
)
def test_what_fits_or_is_of_somebody_else_is_not(said: str, facts: Facts) -> None:
    assert not contradictions(turns_of("Hello.", said), facts)


def test_the_therapist_says_nothing_of_the_client() -> None:
    assert not contradictions(turns_of("I'm 58 myself.", "Really."), FACTS)
