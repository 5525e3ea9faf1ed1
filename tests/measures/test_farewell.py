from __future__ import annotations

import pytest

from domain.turn import Speaker, Turn
from measures.farewell import goodbye_loop_start, is_courtesy, is_farewell


def talk(*said: str) -> list[Turn]:
    """Return turns in which the therapist begins."""
    speakers = (Speaker.THERAPIST, Speaker.CLIENT)
    return [Turn(index=i, speaker=speakers[i % 2], text=text) for i, text in enumerate(said)]


@pytest.mark.parametrize(
    "text",
    ["See you next week.", "Bye!", "Thank you for today, Ana. Take care.", "Until next time."],
)
def test_goodbye(text: str) -> None:
    assert is_farewell(text)


@pytest.mark.parametrize(
    "text",
    [
        "I never got to say goodbye to my mother before she died.",
        "See you next week, is that all right?",
        "We take care of the garden on Sundays with my uncle.",
        "",
    ],
)
def test_no_goodbye(text: str) -> None:
    assert not is_farewell(text)


def test_courtesy_is_short_and_asks_nothing() -> None:
    assert is_courtesy("Thanks, you too.")
    assert not is_courtesy("Thank you, but can we talk about my sister?")


def test_one_goodbye_each_is_no_loop() -> None:
    assert goodbye_loop_start(talk("How are you?", "Fine.", "See you next week.", "Bye.")) is None


def test_one_more_is_manners() -> None:
    assert goodbye_loop_start(talk("See you next week.", "Bye.", "Take care.")) is None


def test_the_loop_begins_after_both_have_said_goodbye() -> None:
    said = ("How are you?", "Fine.", "See you next week.", "Bye.", "Take care.", "You too, bye.")
    assert goodbye_loop_start(talk(*said)) == 4


def test_thanks_go_round_as_well() -> None:
    said = ("See you next week.", "Bye.", "Thank you.", "You're welcome.", "Thanks again.")
    assert goodbye_loop_start(talk(*said)) == 2


def test_a_goodbye_that_did_not_end_is_no_loop() -> None:
    said = ("See you next week.", "Bye.", "Take care.", "One thing: my mother called and I froze.")
    assert goodbye_loop_start(talk(*said)) is None


def test_no_turns() -> None:
    assert goodbye_loop_start([]) is None
