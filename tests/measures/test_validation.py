from __future__ import annotations

import pytest

from measures.validation import explores, invalidating, names_feeling, validating, warm


@pytest.mark.parametrize(
    "text",
    [
        "It's not that bad.",
        "It's really not that bad when you think about it.",
        "There's no reason to feel that way.",
        "There is really no reason to worry.",
        "You need to calm down.",
        "You're overreacting.",
        "You should be grateful.",
        "Just get over it.",
    ],
)
def test_invalidating(text: str) -> None:
    assert invalidating(text) == (text,)


@pytest.mark.parametrize(
    "text",
    [
        "You tell yourself that you're overreacting.",
        "You're feeling low.",
        "That's a lot.",
        "So it helps you calm down.",
        "What you say makes sense.",
    ],
)
def test_not_invalidating(text: str) -> None:
    assert not invalidating(text)


def test_validating_and_warm() -> None:
    assert validating("It makes sense that you were scared.")
    assert warm("Thank you for coming.")
    assert not validating("When did it start?")


def test_feelings_and_exploring() -> None:
    assert names_feeling("You were ashamed.")
    assert not names_feeling("You were there.")
    assert explores("What was that like?")
