from __future__ import annotations

import orjson
import pytest

from agents.reply import MAX_TOKENS, is_shut, read_reply
from domain.call import Outcome
from tests.support.scripted import Reply, fails, says


def read(reply: Reply) -> tuple[Outcome, str, str]:
    result = read_reply(reply.status, reply.headers, reply.body)
    return result.outcome, result.text, result.reasoning


def test_a_completion_is_read_with_its_counts() -> None:
    reply = says("  Hello. ")
    result = read_reply(200, {}, reply.body)
    assert (result.outcome, result.text, result.finish_reason) == (Outcome.OK, "Hello.", "stop")
    assert (result.usage.prompt_tokens, result.usage.cached_tokens) == (20, 12)


@pytest.mark.parametrize(
    "reply",
    [
        says("Hello.", reasoning_content="Greet."),
        says("Hello.", reasoning="Greet."),
        says("<think>Greet.</think>\n\nHello."),
        says("Greet.</think>Hello."),
        says("<thinking>\nGreet.\n</thinking> Hello."),
    ],
)
def test_reasoning_is_kept_apart_from_speech(reply: Reply) -> None:
    assert read(reply) == (Outcome.OK, "Hello.", "Greet.")


def test_thought_without_speech_is_no_speech() -> None:
    assert read(says("<think>Still thinking", finish="length"))[0] is Outcome.TRUNCATED
    assert read(says("<think>Still thinking")) == (Outcome.EMPTY, "", "Still thinking")


def test_content_in_parts_is_joined() -> None:
    parts = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo."}]
    body = orjson.loads(says("x").body)
    body["choices"][0]["message"]["content"] = parts
    assert read_reply(200, {}, orjson.dumps(body)).text == "Hello."


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (says("cut o", finish="length"), Outcome.TRUNCATED),
        (says("I won't.", finish="content_filter"), Outcome.REFUSAL),
        (says(None, refusal="I can't play that."), Outcome.REFUSAL),
        (says(None), Outcome.EMPTY),
        (says("  "), Outcome.EMPTY),
        (Reply(b"<html>gateway</html>"), Outcome.MALFORMED),
        (Reply(b""), Outcome.MALFORMED),
        (says("I felt \x00 nothing."), Outcome.MALFORMED),
        (says("I felt \x1b[31m nothing."), Outcome.MALFORMED),
        (says("I felt \ufffd\ufffd."), Outcome.MALFORMED),
        (Reply(says("X.").body.replace(b"X.", b"\xff\xfe.")), Outcome.MALFORMED),
        (Reply(says("X.").body.replace(b"X.", b"\\ud800.")), Outcome.MALFORMED),
        (Reply(b"[1]"), Outcome.MALFORMED),
        (Reply(b'{"choices": []}'), Outcome.MALFORMED),
        (Reply(b'{"choices": [3]}'), Outcome.MALFORMED),
        (Reply(b'{"choices": {"message": "x"}}'), Outcome.MALFORMED),
        (Reply(b'{"choices": [{"message": {"role": "user", "content": "x"}}]}'), Outcome.MALFORMED),
        (Reply(b'{"choices": [{"message": {"role": 3, "content": "x"}}]}'), Outcome.MALFORMED),
        (says("bell \x07"), Outcome.MALFORMED),
        (says("lost \ufffd bytes"), Outcome.MALFORMED),
        (Reply(b'{"choices": [{"message": {"content": "half \\ud83d"}}]}'), Outcome.MALFORMED),
        (Reply(b'{"choices": [{"message": {"content": "\xff\xfe"}}]}'), Outcome.MALFORMED),
        (Reply(b'{"error": {"message": "overloaded"}}'), Outcome.SERVER_ERROR),
        (Reply(b'{"error": {"message": "slow down", "code": 429}}'), Outcome.RATE_LIMITED),
        (fails(429, "slow down"), Outcome.RATE_LIMITED),
        (fails(429, "no money", code="insufficient_quota"), Outcome.REJECTED),
        (fails(400, "filtered", code="content_filter"), Outcome.REFUSAL),
        (fails(408, "too slow"), Outcome.TIMEOUT),
        (fails(500, "oops"), Outcome.SERVER_ERROR),
        (fails(503, "busy"), Outcome.SERVER_ERROR),
        (fails(401, "wrong key"), Outcome.REJECTED),
        (fails(404, "no such model"), Outcome.REJECTED),
        (Reply(b"", status=302), Outcome.REJECTED),
    ],
)
def test_what_went_wrong_is_typed(reply: Reply, outcome: Outcome) -> None:
    result = read_reply(reply.status, reply.headers, reply.body)
    assert result.outcome is outcome
    assert result.detail


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "1.5"}, 1.5),
        (
            {
                "Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT",
                "Date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            30.0,
        ),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "86400"}, 86400.0),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "1e999"}, None),
        (
            {
                "Retry-After": "Wed, 21 Oct 99999999999 07:28:30 GMT",
                "Date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            None,
        ),
        ({}, None),
    ],
)
def test_retry_after_is_read_without_a_clock(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert read_reply(429, headers, b"").retry_after_s == seconds


def test_strange_counts_are_no_counts() -> None:
    body = orjson.loads(says("x").body)
    body["usage"] = {"prompt_tokens": None, "completion_tokens": -3, "prompt_tokens_details": 4}
    usage = read_reply(200, {}, orjson.dumps(body)).usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens) == (0, 0, 0)


def test_a_count_beyond_all_reason_is_capped() -> None:
    body = orjson.loads(says("x").body)
    body["usage"] = {"prompt_tokens": 2**63, "completion_tokens": 5}
    usage = read_reply(200, {}, orjson.dumps(body)).usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (MAX_TOKENS, 5)


@pytest.mark.parametrize(
    ("reply", "shut"),
    [
        (fails(401, "wrong key"), True),
        (fails(402, "no money"), True),
        (fails(403, "not for you"), True),
        (fails(404, "no such model", "model", "model_not_found"), True),
        (fails(429, "no money", code="insufficient_quota"), True),
        (fails(429, "no money", "plan", "insufficient_quota"), True),
        (fails(400, "too long", "messages", "context_length_exceeded"), False),
        (fails(400, "HTTP 401 [insufficient_quota]"), False),
        (fails(422, "no such field"), False),
    ],
)
def test_a_rejection_of_every_call_is_told_from_one_of_this_call(reply: Reply, shut: bool) -> None:
    result = read_reply(reply.status, reply.headers, reply.body)
    assert result.outcome is Outcome.REJECTED
    assert is_shut(result.detail) is shut


def test_what_people_type_is_no_garbage() -> None:
    said = "I felt\tnothing.\r\nWell \u2014 \U0001f642, na\u00efve \u4f60\u597d."
    assert read(says(said)) == (Outcome.OK, said, "")


def test_garbage_is_never_text() -> None:
    assert read(says("I felt \x00 nothing.")) == (Outcome.MALFORMED, "", "")
