from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.understudy.played import a_body
from understudy.apierror import ApiError
from understudy.request import ChatRequest, parse_request


def parsed(**changes: object) -> ChatRequest:
    return parse_request(orjson.dumps(a_body(**changes)))


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"seed": True}, "seed"),
        ({"stop": [1]}, "stop"),
        ({"n": 2}, "n"),
        ({"tools": [{}]}, "tools"),
        ({"tempreature": 1}, "tempreature"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], param: str) -> None:
    with pytest.raises(ApiError) as raised:
        parsed(**changes)
    assert raised.value.status == 400
    assert raised.value.param == param


def test_a_body_that_is_no_json_is_refused() -> None:
    with pytest.raises(ApiError, match="parse"):
        parse_request(b"{")


def test_without_a_seed_it_follows_from_the_content() -> None:
    one, same = parsed(seed=None), parsed(seed=None)
    other = parsed(seed=None, messages=[{"role": "user", "content": "And now?"}])
    assert one.seed == same.seed != other.seed


def test_text_parts_are_joined_and_the_newer_limit_wins() -> None:
    content = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    request = parsed(
        messages=[{"role": "user", "content": content}], max_tokens=9, max_completion_tokens=3
    )
    assert request.messages[0].content == "ab"
    assert request.max_tokens == 3
