from __future__ import annotations

import pytest

from measures.questions import has_question, only_closed, questions


@pytest.mark.parametrize(
    "text",
    [
        "What went through your mind?",
        "Okay, so how did that feel?",
        "Tell me more about that.",
        "If you had to choose, what would you keep?",
        "Could you tell me what happened?",
    ],
)
def test_open(text: str) -> None:
    assert [question.open for question in questions(text)] == [True]


@pytest.mark.parametrize(
    "text",
    [
        "Did you sleep?",
        "Um, are you working at the moment?",
        "How many drinks do you have?",
        "Where do you live?",
        "I'm wondering if you drink?",
        "Do you know what happened?",
    ],
)
def test_closed(text: str) -> None:
    assert [question.open for question in questions(text)] == [False]


def test_a_check_of_what_was_heard_is_no_question() -> None:
    assert not has_question("You were tired. Is that right?")


def test_only_closed_needs_every_question_closed() -> None:
    assert only_closed("Did you sleep? Did you eat?")
    assert not only_closed("Did you sleep? What was it like?")
    assert not only_closed("I see.")
