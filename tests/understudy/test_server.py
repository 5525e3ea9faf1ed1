"""The server over real HTTP, on a free loopback port."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
import pytest

from domain.call import CALL_HEADER
from domain.errors import ConfigError, EndpointError
from domain.verdict import VerdictAnswer
from tests.understudy.played import a_body
from understudy.faults import Fault, FaultSettings
from understudy.models import MODELS
from understudy.server import Running, start

if TYPE_CHECKING:
    from pathlib import Path


async def ask(
    http: aiohttp.ClientSession, server: Running, body: object, **headers: str
) -> tuple[int, dict[str, Any]]:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    url = f"{server.base_url}/chat/completions"
    async with http.post(url, data=data, headers=headers) as response:
        return response.status, orjson.loads(await response.read())


async def text_of(http: aiohttp.ClientSession, server: Running, body: object) -> str:
    return str((await ask(http, server, body))[1]["choices"][0]["message"]["content"])


async def events(
    http: aiohttp.ClientSession, server: Running, body: dict[str, Any]
) -> list[dict[str, Any]]:
    url = f"{server.base_url}/chat/completions"
    async with http.post(url, data=orjson.dumps(body)) as response:
        assert response.content_type == "text/event-stream"
        lines = (await response.text()).split("\n\n")
    assert lines[-2] == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]


async def test_an_answer_has_the_form_of_openais(
    http: aiohttp.ClientSession, server: Running
) -> None:
    status, answer = await ask(http, server, a_body())
    assert status == 200
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["finish_reason"] == "stop"
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0


async def test_the_seed_decides(http: aiohttp.ClientSession, server: Running) -> None:
    first = await text_of(http, server, a_body(seed=1))
    assert first == await text_of(http, server, a_body(seed=1))
    others = {await text_of(http, server, a_body(seed=seed)) for seed in range(2, 10)}
    assert len(others) > 1


async def test_a_stream_says_what_a_whole_answer_says(
    http: aiohttp.ClientSession, server: Running
) -> None:
    whole = await text_of(http, server, a_body())
    chunks = await events(http, server, a_body(stream=True, stream_options={"include_usage": True}))
    said = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])
    assert said == whole
    assert chunks[-1]["usage"]["completion_tokens"] > 0
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"


async def test_a_limit_and_a_stop_word_cut(http: aiohttp.ClientSession, server: Running) -> None:
    _, answer = await ask(http, server, a_body(max_completion_tokens=3))
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 3
    whole = await text_of(http, server, a_body())
    word = whole.split()[2]
    assert await text_of(http, server, a_body(stop=[word])) == whole.partition(word)[0]


async def test_a_schema_is_answered_in_its_form(
    http: aiohttp.ClientSession, server: Running
) -> None:
    schema = {"type": "object", "properties": {"reply": {"type": "string"}}, "required": ["reply"]}
    form = {"type": "json_schema", "json_schema": {"name": "r", "strict": True, "schema": schema}}
    text = await text_of(http, server, a_body(response_format=form))
    assert set(json.loads(text)) == {"reply"}


async def test_a_schema_of_another_role_is_refused(
    http: aiohttp.ClientSession, server: Running
) -> None:
    schema = VerdictAnswer.model_json_schema()
    form = {"type": "json_schema", "json_schema": {"name": "v", "strict": True, "schema": schema}}
    body = a_body(model="understudy-supervisor", response_format=form)
    status, answer = await ask(http, server, body)
    assert status == 400
    assert answer["error"]["param"] == "response_format.json_schema.schema"


async def test_the_models_are_listed(http: aiohttp.ClientSession, server: Running) -> None:
    async with http.get(f"{server.base_url}/models") as response:
        listed = await response.json()
    assert [model["id"] for model in listed["data"]] == list(MODELS)


async def test_an_unknown_model_is_named_with_the_known(
    http: aiohttp.ClientSession, server: Running
) -> None:
    status, answer = await ask(http, server, a_body(model="gpt-0"))
    assert status == 404
    assert answer["error"]["code"] == "model_not_found"
    assert "understudy-client" in answer["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/embeddings", "/nothing"])
async def test_an_unknown_route_has_an_error_body(
    http: aiohttp.ClientSession, server: Running, path: str
) -> None:
    async with http.get(server.base_url.removesuffix("/v1") + path) as response:
        assert response.status == 404
        assert set((await response.json())["error"]) == {"message", "type", "param", "code"}


async def test_a_token_is_asked_for(http: aiohttp.ClientSession) -> None:
    server = await start(token="secret")
    try:
        assert (await ask(http, server, a_body()))[0] == 401
        assert (await ask(http, server, a_body(), Authorization="Bearer wrong"))[0] == 401
        assert (await ask(http, server, a_body(), Authorization="Bearer secret"))[0] == 200
    finally:
        await server.close()


async def test_beyond_loopback_a_token_is_required() -> None:
    with pytest.raises(ConfigError, match="token"):
        await start(host="0.0.0.0")  # noqa: S104 - that it is refused is the test


async def test_a_port_in_use_is_told_with_a_mend(server: Running) -> None:
    with pytest.raises(EndpointError) as raised:
        await start(port=server.port)
    assert "--port" in raised.value.mend


async def test_every_request_is_logged_once_without_its_text(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    log = tmp_path / "requests.jsonl"
    server = await start(log_path=log, faults=FaultSettings(server_error=0.5))
    try:
        for n in range(12):
            await ask(http, server, a_body(), **{CALL_HEADER: f"s/0/{n}/0"})
        await ask(http, server, a_body(model="gpt-0"), **{CALL_HEADER: "s/0/12/0"})
        rows = [json.loads(line) for line in log.read_text().splitlines()]
    finally:
        await server.close()
    assert [row["call"] for row in rows] == [f"s/0/{n}/0" for n in range(13)]
    assert {row["outcome"] for row in rows} == {"ok", "server_error", "model_not_found"}
    assert rows[0]["sha256"] == hashlib.sha256(orjson.dumps(a_body())).hexdigest()
    assert "been" not in log.read_text()


async def faulty(http: aiohttp.ClientSession, fault: Fault) -> tuple[int, bytes, str]:
    server = await start(faults=FaultSettings.model_validate({fault.value: 1}))
    try:
        url = f"{server.base_url}/chat/completions"
        async with http.post(url, data=orjson.dumps(a_body())) as response:
            wait = response.headers.get("Retry-After", "")
            return response.status, await response.read(), wait
    finally:
        await server.close()


async def test_faults_look_like_an_endpoints(http: aiohttp.ClientSession) -> None:
    assert (await faulty(http, Fault.RATE_LIMITED))[::2] == (429, "1")
    assert (await faulty(http, Fault.SERVER_ERROR))[0] == 500
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads((await faulty(http, Fault.MALFORMED))[1])
    cut = orjson.loads((await faulty(http, Fault.TRUNCATED))[1])["choices"][0]
    assert cut["finish_reason"] == "length"
    assert (
        orjson.loads((await faulty(http, Fault.EMPTY))[1])["choices"][0]["message"]["content"] == ""
    )
    refused = orjson.loads((await faulty(http, Fault.REFUSAL))[1])["choices"][0]["message"]
    assert refused["refusal"]
    assert refused["content"] is None


async def test_a_hanging_call_ends_with_the_server(http: aiohttp.ClientSession) -> None:
    server = await start(faults=FaultSettings(hang=1))
    asked = asyncio.create_task(ask(http, server, a_body()))
    await asyncio.sleep(0.05)
    assert not asked.done()
    await server.close()
    with pytest.raises(aiohttp.ClientError):
        await asked
