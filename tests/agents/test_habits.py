from __future__ import annotations

import pytest

from agents.habits import Habits, every_habit
from agents.reply import read_error
from tests.support.scripted import fails

PARAMS = {"temperature": 0.7, "max_tokens": 50, "seed": 3}


@pytest.mark.parametrize(
    ("message", "param", "code", "learned"),
    [
        (
            "Unsupported value: 'temperature' does not support 0.7 with this model. Only the "
            "default (1) value is supported.",
            "temperature",
            "unsupported_value",
            Habits(frozenset({"temperature"})),
        ),
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            "max_tokens",
            "unsupported_parameter",
            Habits(tokens="max_completion_tokens"),
        ),
        ("body.seed: Extra inputs are not permitted", None, None, Habits(frozenset({"seed"}))),
        ("'max_tokens' is too large: 50. The context is 40.", "max_tokens", None, None),
        ("temperature must be at most 0.5", "temperature", None, None),
        ("The model does not support images", None, None, None),
    ],
)
def test_a_rejection_teaches_what_it_names(
    message: str, param: str | None, code: str | None, learned: Habits | None
) -> None:
    reply = fails(400, message, param, code)
    result = read_error(reply.status, reply.headers, reply.body)
    assert Habits().learn(result, PARAMS) == learned


def test_the_body_keeps_its_order() -> None:
    habits = Habits(frozenset({"temperature"}), "max_completion_tokens")
    assert list(habits.adapt(PARAMS)) == ["max_completion_tokens", "seed"]


def test_what_was_learned_is_not_unlearned() -> None:
    both = Habits(tokens="max_completion_tokens").merge(Habits(frozenset({"seed"})))
    assert both == Habits(frozenset({"seed"}), "max_completion_tokens")


def test_every_habit_is_one_way_to_write_a_body() -> None:
    ways = list(every_habit(PARAMS))
    assert len(ways) == len(set(ways)) == 8
