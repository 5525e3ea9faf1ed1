"""Answers in pieces, and answers that are JSON of a schema."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from openai import AsyncOpenAI

from evaluation.serving.requests import Message, Sampling
from evaluation.serving.sampling import make_row
from evaluation.serving.streaming import Telling
from tests.evaluation.serving_client import ask, running, said

if TYPE_CHECKING:
    from evaluation.serving.models import ServedModels
    from tests.evaluation.serving_client import Client

VERDICT = {
    "type": "object",
    "properties": {
        "score": {"type": "integer", "minimum": 1, "maximum": 5},
        "flags": {"type": "array", "items": {"enum": ["advice", "crisis"]}, "maxItems": 2},
        "quote": {"type": "string", "maxLength": 12},
    },
    "required": ["score", "flags", "quote"],
    "additionalProperties": False,
}


def as_schema(schema: object) -> dict[str, Any]:
    named = {"name": "verdict", "strict": True, "schema": schema}
    return {"type": "json_schema", "json_schema": named}


async def events(client: Client, body: dict[str, Any]) -> list[str]:
    url = f"{client.url}v1/chat/completions"
    async with client.session.post(url, json=body) as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        text = await response.text()
    return [line.removeprefix("data: ") for line in text.split("\n\n") if line]


async def test_a_stream_tells_in_pieces_what_comes_whole_without_it(served: ServedModels) -> None:
    asked = [
        ask("Hello.", "base", seed=0, temperature=0.9),
        ask("Hello.", "real", seed=1, temperature=0.9, stop=["e", "ab"]),
        {**ask("Hello.", "hybrid", seed=2, temperature=0.9), "max_tokens": 3},
    ]
    async with running(served) as client:
        whole = [await client.post(body) for body in asked]
        told = await asyncio.gather(*(events(client, {**body, "stream": True}) for body in asked))
    for reply, lines in zip(whole, told, strict=True):
        chunks = [json.loads(line) for line in lines[:-1]]
        choices = [chunk["choices"][0] for chunk in chunks]
        assert lines[-1] == "[DONE]"
        assert choices[0]["delta"] == {"role": "assistant", "content": ""}
        assert "".join(one["delta"].get("content", "") for one in choices) == said(reply)
        assert choices[-1]["finish_reason"] == reply[1]["choices"][0]["finish_reason"]
        assert len({chunk["id"] for chunk in chunks}) == 1
    assert len(told[0]) > 5


async def test_openais_own_client_reads_a_stream_with_its_usage(served: ServedModels) -> None:
    async with running(served) as client:
        theirs = AsyncOpenAI(base_url=f"{client.url}v1", api_key="none")
        stream = await theirs.chat.completions.create(
            model="real",
            messages=[{"role": "user", "content": "Hello."}],
            max_tokens=8,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
        await theirs.close()
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert 1 <= chunks[-1].usage.completion_tokens <= 8
    assert all(chunk.usage is None for chunk in chunks[:-1])


@pytest.mark.parametrize(
    ("stops", "texts", "told"),
    [
        ([], ["a", "ab", "abc"], ["a", "b", "c"]),
        (["bcd"], ["a", "ab", "abc", "abce"], ["a", "bce"]),
        (["bc"], ["ab", "a"], ["a"]),
    ],
)
def test_what_may_begin_a_stop_string_is_held_back(
    stops: list[str], texts: list[str], told: list[str]
) -> None:
    pieces: list[str] = []
    telling = Telling(pieces.append, stops)
    for text in texts[:-1]:
        telling.grow(text)
    telling.end(texts[-1])
    assert pieces == told


async def test_who_stops_listening_stops_the_generation(served: ServedModels) -> None:
    async with running(served) as client, asyncio.timeout(60):
        url = f"{client.url}v1/chat/completions"
        body = ask("Hello.", seed=1, temperature=2, max_tokens=400, stream=True)
        async with client.session.post(url, json=body) as response:
            await response.content.readany()
        health: dict[str, Any] = {"abandoned": 0}
        while not health["abandoned"]:
            _, health = await client.get("health")
        # the next one is not held up by it
        assert (await client.post(ask("Hello.", max_tokens=2)))[0] == 200


def test_a_row_that_nobody_waits_for_ends_within_its_batch(served: ServedModels) -> None:
    prompt = served.encode([Message(role="user", content="Hello.")])
    left, kept = (make_row("base", prompt, Sampling(seed=seed), 40) for seed in (1, 2))
    left.telling = Telling(lambda _: setattr(left, "abandoned", True), ())
    served.answer([left, kept])
    assert len(left.tokens) < 40
    assert kept.finish_reason


async def test_a_schema_is_kept_to_by_a_model_that_knows_none(served: ServedModels) -> None:
    asked = [
        ask("Rate me.", name, seed=seed, temperature=1.2, max_tokens=200,
            response_format=as_schema(VERDICT))
        for name in ("base", "real", "hybrid")
        for seed in range(2)
    ]  # fmt: skip
    async with running(served) as client:
        replies = await asyncio.gather(
            *(client.post(body) for body in asked), client.post(ask("And me?", max_tokens=4))
        )
        free = await client.post(
            ask("Rate me.", seed=1, max_tokens=300, response_format={"type": "json_object"})
        )
    for reply in replies[:-1]:
        assert reply[1]["choices"][0]["finish_reason"] == "stop"
        jsonschema.validate(json.loads(said(reply)), VERDICT)
    assert said(free).startswith("{")


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"type": "wish"}, "wish"),
        ({"not": {"type": "string"}}, "not"),
        ({"not": {}, "x-guidance": {"lenient": True}}, "not"),
    ],
)
async def test_a_schema_that_cannot_be_enforced_is_refused(
    served: ServedModels, schema: dict[str, Any], why: str
) -> None:
    async with running(served) as client:
        status, body = await client.post(ask("Rate me.", response_format=as_schema(schema)))
    assert (status, body["error"]["param"]) == (400, "response_format")
    assert why in body["error"]["message"]


async def test_what_a_schema_allows_does_not_touch_the_rows_beside_it(
    served: ServedModels,
) -> None:
    free = ask("I felt worn out.", "real", seed=3, temperature=1)
    bound = ask("Rate me.", seed=3, max_tokens=80, response_format=as_schema(VERDICT))
    async with running(served) as client:
        alone = said(await client.post(free))
        beside, _ = await asyncio.gather(client.post(free), client.post(bound))
    assert said(beside) == alone
