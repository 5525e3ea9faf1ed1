from __future__ import annotations

from measures.advice import advice, asks_permission, has_advice, information, input_share


def test_advice_is_found_also_as_a_question() -> None:
    assert has_advice("Why don't you go for a run?")
    assert advice("I see. You should rest.") == ("You should rest.",)


def test_listening_is_no_advice() -> None:
    assert not has_advice("You felt that you had no choice. What did you do?")


def test_information_leaves_questions_out() -> None:
    assert information("Research shows that sleep helps.")
    assert not information("Is there a program near you?")


def test_permission_is_seen() -> None:
    assert asks_permission("Would it be okay if I shared an idea?")


def test_input_share_is_a_share_of_words() -> None:
    assert input_share("You should rest. I see that.") == 0.5
    assert input_share("") == 0.0
