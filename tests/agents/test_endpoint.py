from __future__ import annotations

import pytest

from agents.llm import check_endpoint
from domain.errors import EndpointError
from domain.settings import RoleSettings
from tests.support.scripted import MODEL, Reply, ScriptedEndpoint, fails, says

pytestmark = pytest.mark.usefixtures("line")


async def check(base_url: str, model: str = MODEL) -> None:
    settings = RoleSettings(model=model, base_url=base_url, api_key_env="SOME_KEY")
    await check_endpoint(settings, "roles.judge")


async def test_a_known_model_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-secret")
    async with ScriptedEndpoint(
        [says("x")], models=("other", "org/scripted"), key="sk-secret"
    ) as s:
        await check(s.base_url)


async def test_a_server_that_lists_nothing_passes_where_it_chats() -> None:
    async with ScriptedEndpoint([fails(400, "no messages")], models=None) as server:
        await check(server.base_url)


async def test_an_unknown_model_names_the_known_ones() -> None:
    async with ScriptedEndpoint([says("x")], models=("small", "large")) as server:
        with pytest.raises(EndpointError, match="small, large") as refused:
            await check(server.base_url)
    assert refused.value.where == "roles.judge.model"


async def test_a_wrong_key_names_the_variable_and_not_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-wrong")
    async with ScriptedEndpoint([says("x")], key="sk-secret") as server:
        with pytest.raises(EndpointError, match="SOME_KEY") as refused:
            await check(server.base_url)
        monkeypatch.delenv("SOME_KEY")
        with pytest.raises(EndpointError, match="SOME_KEY unset"):
            await check(server.base_url)
    assert "sk-" not in str(refused.value)


async def test_a_closed_port_says_how_to_start_a_server() -> None:
    async with ScriptedEndpoint([says("x")]) as server:
        base_url = server.base_url
    with pytest.raises(EndpointError, match="connection refused") as refused:
        await check(base_url)
    assert "rehearsal understudy" in refused.value.mend


async def test_a_wrong_root_is_no_api() -> None:
    async with ScriptedEndpoint([says("x")]) as server:
        with pytest.raises(EndpointError, match="no OpenAI-compatible API"):
            await check(server.base_url.removesuffix("/v1"))
    with pytest.raises(EndpointError, match="no OpenAI-compatible API"):
        await check("http://127.0.0.1:99999/v1")


async def test_a_page_is_no_listing() -> None:
    async with ScriptedEndpoint([Reply(b"<html>", status=404)], models=None) as server:
        with pytest.raises(EndpointError, match="no OpenAI-compatible API"):
            await check(server.base_url)
