from __future__ import annotations

import pytest

from measures import structure


def test_agenda_with_and_without_a_say() -> None:
    proposed = "I thought we could put sleep on the agenda."
    assert structure.sets_agenda(proposed)
    assert not structure.asks_for_agenda(proposed)
    assert structure.asks_for_agenda(proposed + " What would you like to add?")


def test_a_summary_says_something() -> None:
    assert structure.summarises("To sum up, the canteen scares you and you went anyway.")
    assert not structure.summarises("To sum up.")


def test_homework_given_and_reviewed_are_kept_apart() -> None:
    assert structure.gives_homework("Would you write it down before next time?")
    assert structure.reviews_homework("How did it go with what we planned last time?")
    assert not structure.gives_homework("Last time we agreed on homework, how did it go?")


def test_feedback_is_asked() -> None:
    assert structure.asks_feedback("What do you take from today?")
    assert not structure.asks_feedback("Take care today.")


@pytest.mark.parametrize("name", ["double_standard", "Asking what you would tell a friend"])
def test_a_technique_is_known_by_key_and_name(name: str) -> None:
    assert structure.technique_list(name) == "techniques.double_standard"
    assert structure.technique_cues("What would you say to a good friend?", name)


def test_an_unknown_technique_has_general_cues() -> None:
    assert structure.technique_list("chair work") == "techniques.generic"
    assert structure.technique_cues("What is the evidence?", "chair work") == 1
