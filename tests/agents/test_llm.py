"""The chat model and a role's calls, against a real server on loopback."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool

from agents.desk import AttemptFailed
from agents.llm import EndpointChat, NullJournal, RoleModel
from agents.retry import Backoff
from domain.call import CallFailed, CallKey, Outcome, Role
from domain.errors import BudgetReachedError, ConfigError, ResumeRefusedError
from domain.settings import RoleSettings
from domain.verdict import VerdictAnswer
from tests.support.memory import MemoryJournal
from tests.support.scripted import (
    CUTS,
    HANGS,
    MODEL,
    Asked,
    Reply,
    ScriptedEndpoint,
    fails,
    says,
)

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from agents.messages import Message
    from domain.journal import Journal

pytestmark = pytest.mark.usefixtures("line")

KEY = CallKey(session="session-1", draft=0, step=4, attempt=0)
HELLO: list[Message] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello."},
]
VERDICT = '{"reason": "Warm.", "quote": "", "score": 4}'
AT_ONCE = Backoff(first_s=0)


def model_at(server: ScriptedEndpoint, journal: Journal | None = None, **keys: object) -> RoleModel:
    asked = {"model": MODEL, "base_url": server.base_url, "retries": 2, "patience_s": 0, **keys}
    settings = RoleSettings.model_validate(asked)
    return RoleModel(Role.JUDGE, settings, journal or NullJournal(), AT_ONCE)


class Heard(AsyncCallbackHandler):
    def __init__(self) -> None:
        self.events: list[str] = []

    async def on_chat_model_start(
        self, serialized: dict[str, Any], messages: list[list[BaseMessage]], **kwargs: object
    ) -> None:
        asked = kwargs["invocation_params"]
        assert isinstance(asked, dict)
        self.events.append(f"start {asked.get('call', '')}".strip())

    async def on_llm_end(self, *args: object, **kwargs: object) -> None:
        self.events.append("end")

    async def on_llm_error(self, error: BaseException, **kwargs: object) -> None:
        self.events.append(f"error {type(error).__name__}")


# A role's calls


async def test_a_call_is_sent_as_canonical_bytes_and_recorded() -> None:
    journal = MemoryJournal()
    async with ScriptedEndpoint([says("Hi.", reasoning_content="Short.")]) as server:
        result = await model_at(server, journal, temperature=0.5).say(HELLO, KEY, 11)
    (asked,) = server.asked
    assert asked.raw == (
        b'{"model":"scripted","messages":[{"role":"system","content":"Be brief."},'
        b'{"role":"user","content":"Hello."}],"temperature":0.5,"max_tokens":400,"seed":11}'
    )
    assert asked.call == str(KEY)
    assert (result.text, result.reasoning) == ("Hi.", "Short.")
    row = journal.rows[str(KEY)]
    assert row.request == asked.raw
    assert row.role is Role.JUDGE
    assert row.result == result


async def test_a_recorded_call_is_not_asked_again() -> None:
    journal = MemoryJournal()
    async with ScriptedEndpoint([says("Hi.")]) as server:
        model = model_at(server, journal)
        first = await model.say(HELLO, KEY, 11)
        assert await model.say(HELLO, KEY, 11) == first
    assert len(server.asked) == 1


async def test_a_changed_request_refuses_to_resume() -> None:
    journal = MemoryJournal()
    async with ScriptedEndpoint([says("Hi.")]) as server:
        model = model_at(server, journal)
        await model.say(HELLO, KEY, 11)
        with pytest.raises(ResumeRefusedError):
            await model.say([*HELLO[:1], {"role": "user", "content": "Hullo."}], KEY, 11)
    assert len(server.asked) == 1


async def test_a_spent_budget_sends_nothing() -> None:
    async with ScriptedEndpoint([says("Hi.")]) as server:
        with pytest.raises(BudgetReachedError):
            await model_at(server, MemoryJournal(calls=0)).say(HELLO, KEY, 11)
    assert not server.asked


@pytest.mark.parametrize(
    "fault",
    [
        fails(429, "slow down", retry_after="0"),
        fails(500, "oops"),
        Reply(b"<html>"),
        says("cut", finish="length"),
        says(""),
        says('"Therapist: "'),
        CUTS,
        Reply(b'{"x": "' + b"x" * 2_100_000 + b'"}'),
    ],
    ids=["429", "500", "html", "length", "empty", "label", "cut", "large"],
)
async def test_a_passing_fault_is_tried_again_under_the_next_attempt(fault: Reply) -> None:
    journal = MemoryJournal()
    async with ScriptedEndpoint([fault, says("Hi.")]) as server:
        result = await model_at(server, journal).say(HELLO, KEY, 11)
    assert result.text == "Hi."
    assert [asked.call for asked in server.asked] == [str(KEY), str(KEY.next_attempt())]
    assert server.asked[0].raw == server.asked[1].raw
    assert journal.rows[str(KEY)].result.outcome is not Outcome.OK


async def test_a_hanging_endpoint_meets_its_deadline() -> None:
    async with ScriptedEndpoint([HANGS, says("Hi.")]) as server:
        result = await model_at(server, timeout_s=0.3).say(HELLO, KEY, 11)
    assert result.text == "Hi."


async def test_retries_end() -> None:
    async with ScriptedEndpoint([fails(503, "busy")]) as server:
        with pytest.raises(CallFailed) as failed:
            await model_at(server).say(HELLO, KEY, 11)
    assert len(server.asked) == 3
    assert failed.value.result.outcome is Outcome.SERVER_ERROR
    assert failed.value.key.attempt == 2


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (says(None, refusal="I can't play that."), Outcome.REFUSAL),
        (fails(404, "no such model"), Outcome.REJECTED),
    ],
)
async def test_what_no_retry_mends_is_not_retried(fault: Reply, outcome: Outcome) -> None:
    async with ScriptedEndpoint([fault]) as server:
        with pytest.raises(CallFailed) as failed:
            await model_at(server).say(HELLO, KEY, 11)
    assert len(server.asked) == 1
    assert failed.value.result.outcome is outcome


async def test_a_closed_port_is_a_typed_failure_without_the_address() -> None:
    async with ScriptedEndpoint([says("Hi.")]) as server:
        model = model_at(server)
    with pytest.raises(CallFailed) as failed:
        await model.say(HELLO, KEY, 11)
    assert failed.value.result.outcome is Outcome.CONNECTION
    assert failed.value.result.detail == "connection refused"
    assert not failed.value.result.lost


async def test_recalled_failures_lead_to_the_next_attempt() -> None:
    journal = MemoryJournal()
    async with ScriptedEndpoint([fails(500, "oops"), fails(500, "oops"), says("Hi.")]) as server:
        model = model_at(server, journal)
        await model.say(HELLO, KEY, 11)
        del journal.rows[str(KEY.model_copy(update={"attempt": 2}))]
        assert (await model.say(HELLO, KEY, 11)).text == "Hi."
    assert [asked.call[-1] for asked in server.asked] == ["0", "1", "2", "2"]


# What endpoints refuse


def choosy(asked: Asked) -> Reply:
    """Answers like a reasoning model: its own temperature, its own name for the limit."""
    if "max_tokens" in asked.body:
        advice = "is not supported with this model. Use 'max_completion_tokens' instead."
        return fails(400, f"Unsupported parameter: 'max_tokens' {advice}", "max_tokens")
    if "temperature" in asked.body:
        return fails(400, "Unsupported value: only the default is", "temperature")
    return says("Hi.")


async def test_refused_parameters_are_learned_once() -> None:
    async with ScriptedEndpoint(choosy) as server:
        model = model_at(server, temperature=0.5, retries=0)
        await model.say(HELLO, KEY, 11)
        await model.say(HELLO, KEY.model_copy(update={"step": 5}), 12)
    sent = [set(asked.body) - {"model", "messages", "seed"} for asked in server.asked]
    learned = {"max_completion_tokens"}
    assert sent == [{"temperature", "max_tokens"}, {"temperature"} | learned, learned, learned]


async def test_a_run_resumes_whatever_the_endpoint_had_taught_it() -> None:
    journal = MemoryJournal()
    later = KEY.model_copy(update={"step": 5})
    async with ScriptedEndpoint(choosy) as server:
        first = model_at(server, journal, temperature=0.5)
        await first.say(HELLO, KEY, 11)
        await first.say(HELLO, later, 12)
        asked = len(server.asked)
        again = await asyncio.to_thread(_in_a_new_loop, server, journal, later)
    assert again == "Hi."
    assert len(server.asked) == asked


def _in_a_new_loop(server: ScriptedEndpoint, journal: Journal, key: CallKey) -> str:
    """What is learned belongs to a loop: a new one is as ignorant as a new process."""
    model = model_at(server, journal, temperature=0.5)
    return asyncio.run(model.say(HELLO, key, 12)).text


# Structured answers


async def test_an_answer_is_asked_for_with_its_schema() -> None:
    async with ScriptedEndpoint([says(VERDICT)]) as server:
        answer = await model_at(server).ask(HELLO, VerdictAnswer, KEY, 11)
    assert answer == VerdictAnswer(reason="Warm.", quote="", score=4)
    form = server.asked[0].body["response_format"]
    assert form["type"] == "json_schema"
    assert form["json_schema"]["name"] == "VerdictAnswer"
    assert form["json_schema"]["strict"] is True


async def test_an_answer_that_does_not_fit_is_repaired() -> None:
    journal = MemoryJournal()
    async with ScriptedEndpoint([says('{"score": 9}'), says(f"Sure:\n{VERDICT}")]) as server:
        model = model_at(server, journal, retries=0)
        assert (await model.ask(HELLO, VerdictAnswer, KEY, 11)).score == 4
        assert (await model.ask(HELLO, VerdictAnswer, KEY, 11)).score == 4
    first, second = server.asked
    assert second.messages[:2] == first.messages
    assert second.messages[2] == {"role": "assistant", "content": '{"score": 9}'}
    assert "less than or equal to 5" in second.messages[3]["content"]
    assert journal.rows[str(KEY)].result.outcome is Outcome.INVALID


async def test_repairs_end() -> None:
    async with ScriptedEndpoint([says("Four of five.")]) as server:
        with pytest.raises(CallFailed) as failed:
            await model_at(server).ask(HELLO, VerdictAnswer, KEY, 11)
    assert len(server.asked) == 3
    assert failed.value.result.outcome is Outcome.INVALID


# The key


async def test_the_key_goes_to_the_endpoint_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    journal = MemoryJournal()
    monkeypatch.setenv("SOME_KEY", "sk-secret")
    async with ScriptedEndpoint([says("Hi.")], key="sk-secret") as server:
        model = model_at(server, journal, api_key_env="SOME_KEY", retries=0)
        assert (await model.say(HELLO, KEY, 11)).text == "Hi."
        monkeypatch.setenv("SOME_KEY", "sk-wrong-one")
        with pytest.raises(CallFailed) as failed:
            await model.say(HELLO, KEY.model_copy(update={"step": 5}), 11)
    kept = [repr(model), repr(vars(model)), str(failed.value), repr(journal.rows)]
    assert not any("sk-" in text for text in kept)


async def test_a_local_server_needs_no_key() -> None:
    async with ScriptedEndpoint([says("Hi.")]) as server:
        await model_at(server, api_key_env="UNSET_KEY").say(HELLO, KEY, 11)
    assert "Authorization" not in server.asked[0].headers


def test_an_address_is_needed() -> None:
    with pytest.raises(ConfigError, match=r"judge\.base_url"):
        RoleModel(Role.JUDGE, RoleSettings(model="m"), NullJournal())


# The limit


async def test_roles_share_one_limit_at_an_endpoint() -> None:
    async with ScriptedEndpoint([says("Hi.")]) as server:
        journal = MemoryJournal()
        wide = model_at(server, journal, concurrency=50)
        narrow = model_at(server, journal, concurrency=3)
        await asyncio.gather(
            *(
                (wide, narrow)[n % 2].say(HELLO, KEY.model_copy(update={"step": n}), n)
                for n in range(40)
            )
        )
    assert server.most_at_once <= 3
    assert len(server.asked) == 40


# LangChain


async def test_callbacks_see_every_attempt_and_every_recall() -> None:
    journal, heard = MemoryJournal(), Heard()
    async with ScriptedEndpoint([fails(500, "oops"), says("Hi.")]) as server:
        model = model_at(server, journal)
        model._chat.callbacks = [heard]
        await model.say(HELLO, KEY, 11)
        await model.say(HELLO, KEY, 11)
    one = [f"start {KEY}", "error AttemptFailed", f"start {KEY.next_attempt()}", "end"]
    assert heard.events == one * 2


async def test_the_chat_model_works_on_its_own() -> None:
    heard = Heard()
    async with ScriptedEndpoint([says("Hi.", reasoning_content="Short.")]) as server:
        chat = EndpointChat(model=MODEL, base_url=server.base_url, api_key="k", temperature=0.2)
        message = await chat.ainvoke("Hello.", config={"callbacks": [heard]}, seed=3)
    assert message.content == "Hi."
    assert message.additional_kwargs == {"reasoning_content": "Short."}
    assert message.usage_metadata is not None
    assert message.usage_metadata["input_token_details"] == {"cache_read": 12}
    assert heard.events == ["start", "end"]
    assert server.asked[0].body == {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Hello."}],
        "temperature": 0.2,
        "seed": 3,
    }


async def test_the_chat_model_learns_and_fails_with_a_type() -> None:
    async with ScriptedEndpoint(choosy) as server:
        chat = EndpointChat(
            model=MODEL, base_url=server.base_url, api_key="k", temperature=0.2, max_tokens=9
        )
        assert (await chat.ainvoke("Hello.")).content == "Hi."
    with pytest.raises(AttemptFailed) as failed:
        await chat.ainvoke("Hello.")
    assert failed.value.result.outcome is Outcome.CONNECTION


@tool
def weather(town: str) -> str:
    """Tell the weather."""
    return f"rain in {town}"


async def test_what_the_lean_way_does_not_know_takes_the_parents() -> None:
    async with ScriptedEndpoint([says("Hi.")]) as server:
        chat = EndpointChat(model=MODEL, base_url=server.base_url, api_key="k", max_retries=0)
        await chat.bind_tools([weather]).ainvoke("Hello.")
        await chat.ainvoke("Hello.", logit_bias={"5": 1})
        await chat.ainvoke([HumanMessage([{"type": "text", "text": "Hello."}])])
        penalised = EndpointChat(
            model=MODEL, base_url=server.base_url, api_key="k", presence_penalty=0.5
        )
        await penalised.ainvoke("Hello.")
    bodies = [asked.body for asked in server.asked]
    assert bodies[0]["tools"][0]["function"]["name"] == "weather"
    assert bodies[1]["logit_bias"] == {"5": 1}
    assert bodies[2]["messages"][0]["content"] == [{"type": "text", "text": "Hello."}]
    assert bodies[3]["presence_penalty"] == 0.5


async def test_streaming_takes_the_parents_way() -> None:
    chunk = b'data: {"id":"1","object":"chat.completion.chunk","created":0,"model":"m","choices":'
    body = (
        chunk + b'[{"index":0,"delta":{"role":"assistant","content":"Hi."}}]}\n\ndata: [DONE]\n\n'
    )
    async with ScriptedEndpoint([Reply(body)]) as server:
        chat = EndpointChat(model=MODEL, base_url=server.base_url, api_key="k")
        said = [chunk.content async for chunk in chat.astream("Hello.")]
    assert "".join(map(str, said)) == "Hi."
    assert server.asked[0].body["stream"] is True


def test_no_key_is_needed_to_build_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    settings = RoleSettings(model="m", base_url="http://127.0.0.1:9/v1")
    RoleModel(Role.CLIENT, settings, NullJournal())
    assert "OPENAI_API_KEY" not in os.environ
