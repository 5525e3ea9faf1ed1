from __future__ import annotations

import pytest

from understudy.pronouns import to_me, to_you


@pytest.mark.parametrize(
    ("said", "given_back"),
    [
        ("I always ruin it", "you always ruin it"),
        ("I'm a failure and I wasn't ready", "you're a failure and you weren't ready"),
        ("they looked at me and my hands", "they looked at you and your hands"),
        ("I was low since we met", "you were low since we met"),
        ("I am not good enough for myself", "you are not good enough for yourself"),
    ],
)
def test_a_clause_is_turned_to_the_one_who_said_it(said: str, given_back: str) -> None:
    assert to_you(said) == given_back


@pytest.mark.parametrize(
    ("asked", "repeated"),
    [
        ("write down what you told yourself", "write down what I told myself"),
        ("call someone who is close to you", "call someone who is close to me"),
    ],
)
def test_a_task_is_turned_to_oneself(asked: str, repeated: str) -> None:
    assert to_me(asked) == repeated
