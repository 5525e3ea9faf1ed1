from __future__ import annotations

import pytest

from agents.endpoint import check_endpoint, refuse_failing, refuse_shut
from agents.line import current_line
from domain.errors import EndpointError
from domain.gate import UNSENT
from domain.settings import RoleSettings
from tests.support.hosts import UNKNOWN, nobody_knows
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
        assert s.asked == []  # it is listed, and no call is spent on it


async def test_a_server_that_lists_nothing_passes_where_it_chats() -> None:
    async with ScriptedEndpoint([fails(400, "no messages")], models=None) as server:
        await check(server.base_url)
        assert len(server.asked) == 1  # that there are chats is seen by one call


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
        with pytest.raises(EndpointError, match="the key in SOME_KEY is refused") as refused:
            await check(server.base_url)
        monkeypatch.delenv("SOME_KEY")
        with pytest.raises(EndpointError, match="SOME_KEY is not set"):
            await check(server.base_url)
    assert "sk-" not in str(refused.value)


async def test_a_key_that_only_chats_ask_for_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-secret")
    said = "HTTP 401 [invalid_api_key]: no"
    async with ScriptedEndpoint([says("x")]) as server:
        settings = RoleSettings(model=MODEL, base_url=server.base_url, api_key_env="SOME_KEY")
        with pytest.raises(EndpointError, match="the key in SOME_KEY is refused") as refused:
            await refuse_shut(settings, "roles.client", said)
        monkeypatch.delenv("SOME_KEY")
        with pytest.raises(EndpointError, match="SOME_KEY is not set"):
            await refuse_shut(settings, "roles.client", said)
        with pytest.raises(EndpointError, match="knows the model no more") as gone:
            await refuse_shut(settings, "roles.client", "HTTP 404: The model does not exist")
        assert MODEL in gone.value.expected
        assert "base_url" in gone.value.mend
        for other in ("HTTP 403 [insufficient_quota]: pay", "HTTP 403 [model_not_found]: not m"):
            with pytest.raises(EndpointError, match="takes no more calls"):
                await refuse_shut(settings, "roles.client", other)
    assert refused.value.got == said


async def test_who_was_not_sent_is_no_session_s_fault_though_models_are_listed() -> None:
    async with ScriptedEndpoint([says("x")]) as server:
        settings = RoleSettings(model=MODEL, base_url=server.base_url)
        with pytest.raises(EndpointError, match="no call is answered any more") as silent:
            await refuse_failing(settings, "roles.client", "connection", f"{UNSENT}it says: boom")
        assert silent.value.got == "it says: boom"
        await refuse_failing(settings, "roles.client", "connection", "reset by peer")
        await refuse_failing(settings, "roles.client", "server_error", "HTTP 500: boom")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_name_that_nobody_knows_is_said_to_be_one(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody_knows(monkeypatch)
    with pytest.raises(EndpointError, match="no server answers") as refused:
        await check(f"{scheme}://{UNKNOWN}/v1")
    assert refused.value.got == "the name of the host cannot be resolved"
    result = await current_line().post(f"{scheme}://{UNKNOWN}/v1", b"{}", {}, 20)
    assert result.detail == refused.value.got


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
