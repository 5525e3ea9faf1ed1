from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from agents.structured import (
    InvalidAnswerError,
    ask_again,
    find_object,
    packed_format,
    read_answer,
    response_format,
)
from domain.critique import CritiqueAnswer
from domain.verdict import VerdictAnswer

if TYPE_CHECKING:
    from pydantic import BaseModel

GOOD = '{"reason": "It names {the} feeling.", "quote": "\\"sad\\"", "score": 4}'


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Here it is: {GOOD} I hope that helps {{so}} much.",
        f"I weigh {{reason}} and {{score}} first.\n{GOOD}",
        f'Not {{"score": 1}} but {GOOD}',
    ],
)
def test_one_object_is_found_in_what_is_around_it(text: str) -> None:
    assert read_answer(text, VerdictAnswer).score == 4


@pytest.mark.parametrize("text", ["", "no", "{", '{"reason": "half', "[1, 2]", "{" * 5000])
def test_where_there_is_none_none_is_found(text: str) -> None:
    assert find_object(text) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"reason": "x", "quote": ""}', "score"),
        ('{"reason": "a bell \\u0007", "quote": "", "score": 4}', "control characters"),
        ('{"reason": "x", "quote": "", "score": 9}', "less than or equal to 5"),
        ('{"reason": "x", "quote": "", "score": 4, "more": 1}', "more"),
        ("Four of five.", "no complete JSON object"),
    ],
)
def test_a_fault_is_worded_for_the_model(text: str, fault: str) -> None:
    with pytest.raises(InvalidAnswerError, match=fault):
        read_answer(text, VerdictAnswer)


def test_the_schema_is_one_that_strict_endpoints_take() -> None:
    for schema in (VerdictAnswer, CritiqueAnswer):
        form = response_format(schema)["json_schema"]
        objects = [form["schema"], *form["schema"].get("$defs", {}).values()]
        for one in objects:
            assert one["additionalProperties"] is False
            assert one["required"] == list(one["properties"])


def test_a_repair_keeps_the_request_before_it() -> None:
    messages = ask_again([{"role": "user", "content": "Rate."}], "x" * 9000, "No score.")
    assert messages[0] == {"role": "user", "content": "Rate."}
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert len(messages[1]["content"]) == 6000
    assert "No score." in messages[2]["content"]


@pytest.mark.parametrize("schema", [CritiqueAnswer, VerdictAnswer])
def test_the_form_is_sent_as_the_bytes_that_it_would_be_written_as(schema: type[BaseModel]) -> None:
    plain = orjson.dumps({"a": 1, "response_format": response_format(schema)})
    assert orjson.dumps({"a": 1, "response_format": packed_format(schema)}) == plain
