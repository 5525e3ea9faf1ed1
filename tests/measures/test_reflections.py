from __future__ import annotations

import pytest

from measures.reflections import Reflection, has_reflection, kind

CLIENT = "My boss shouted at me and I cried in the car."


@pytest.mark.parametrize(
    "text",
    [
        "It sounds like that was a lot.",
        "You cried in the car.",
        "Shouted at, and then the car.",
        "So you felt alone with it?",
    ],
)
def test_reflects(text: str) -> None:
    assert has_reflection(text, CLIENT)


@pytest.mark.parametrize(
    "text",
    [
        "What happened next?",
        "You should talk to your boss.",
        "You can call me any time.",
        "Let's look at the agenda.",
        "Mm-hmm.",
        "Is that right?",
    ],
)
def test_does_not_reflect(text: str) -> None:
    assert not has_reflection(text, CLIENT)


def test_restating_is_simple_and_adding_is_complex() -> None:
    assert kind("Your boss shouted and you cried in the car.", CLIENT) is Reflection.SIMPLE
    assert (
        kind("You felt humiliated, because being respected matters to you.", CLIENT)
        is Reflection.COMPLEX
    )
    assert kind("How long did it last?", CLIENT) is None
