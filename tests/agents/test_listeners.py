"""Who listens to a role's calls: nobody who could is missed."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.callbacks import (
    AsyncCallbackManager,
    BaseCallbackHandler,
    BaseCallbackManager,
)
from langchain_core.globals import set_debug
from langchain_core.runnables import RunnableLambda
from langchain_core.tracers.base import BaseTracer
from langchain_core.tracers.context import collect_runs, tracing_v2_enabled
from langsmith import Client

from agents.listeners import anybody_listens, settled_listeners
from agents.llm import NullJournal, RoleModel
from agents.retry import Backoff
from domain.call import CallFailed, CallKey, Role
from domain.settings import RoleSettings
from tests.support.scripted import MODEL, ScriptedEndpoint, fails, says

if TYPE_CHECKING:
    from langchain_core.tracers.schemas import Run

    from agents.messages import Message

pytestmark = pytest.mark.usefixtures("line")

KEY = CallKey(session="session-1", draft=0, step=4, attempt=0)
HELLO: list[Message] = [{"role": "user", "content": "Hello."}]


def model_at(server: ScriptedEndpoint) -> RoleModel:
    settings = RoleSettings.model_validate(
        {"model": MODEL, "base_url": server.base_url, "retries": 0}
    )
    return RoleModel(Role.CLIENT, settings, NullJournal(), Backoff(first_s=0))


class Kept(BaseTracer):
    """A tracer as LangSmith's and OpenInference's are: a `BaseTracer` that is given whole runs."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[Run] = []

    def _persist_run(self, run: Run) -> None:
        self.runs.append(run)


def test_nobody_listens_unless_somebody_does() -> None:
    assert not anybody_listens()
    assert anybody_listens([Kept()])


async def test_a_listener_of_the_config_is_found() -> None:
    def heard(_: int) -> bool:
        return anybody_listens()

    found = RunnableLambda(heard)
    assert not await found.ainvoke(1)
    assert await found.ainvoke(1, {"callbacks": [Kept()]})


def test_a_listener_of_the_context_is_found() -> None:
    with collect_runs():
        assert anybody_listens()
    client = Client(api_url="http://127.0.0.1:9", api_key="none", auto_batch_tracing=False)
    with tracing_v2_enabled(client=client):
        assert anybody_listens()
    assert not anybody_listens()


def test_a_listener_of_the_environment_is_found() -> None:
    """In a process of its own: LangSmith reads its environment once."""
    settings = {"LANGSMITH_TRACING": "true", "LANGSMITH_API_KEY": "none"}
    asked = (
        "import os; from agents.listeners import anybody_listens; os._exit(not anybody_listens())"
    )
    for extra, heard in ((settings, True), ({}, False)):
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        done = subprocess.run(  # noqa: S603 - our own code
            [sys.executable, "-c", asked], env={**environment, **extra}, check=False, timeout=120
        )
        assert (done.returncode == 0) is heard


def test_a_global_switch_is_found() -> None:
    set_debug(True)
    try:
        assert anybody_listens()
    finally:
        set_debug(False)


def test_an_instrumented_manager_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenInference adds its tracer to every manager as it is made."""
    made, tracer = BaseCallbackManager.__init__, Kept()

    def instrumented(self: BaseCallbackManager, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        made(self, *args, **kwargs)
        self.add_handler(tracer, inherit=True)

    monkeypatch.setattr(BaseCallbackManager, "__init__", instrumented)
    assert AsyncCallbackManager.configure().handlers
    assert anybody_listens()


def test_what_is_settled_holds_within_the_block_only() -> None:
    with settled_listeners():
        with collect_runs():
            assert not anybody_listens()
        assert anybody_listens([Kept()])
    with collect_runs(), settled_listeners():
        assert anybody_listens()
    assert not anybody_listens()


async def test_a_tracer_sees_what_was_asked_and_said_with_its_tokens() -> None:
    tracer = Kept()
    async with ScriptedEndpoint([says("Hi."), fails(500, "oops")]) as server:
        model = model_at(server)

        async def call(step: int) -> None:
            await model.say(HELLO, KEY.model_copy(update={"step": step}), 11)

        await RunnableLambda(call).ainvoke(1, {"callbacks": [tracer]})
        with pytest.raises(CallFailed):
            await RunnableLambda(call).ainvoke(2, {"callbacks": [tracer]})
    said, failed = (run.child_runs[0] for run in tracer.runs)
    assert said.inputs is not None
    assert said.outputs is not None
    assert "Hello." in str(said.inputs)
    assert said.extra["invocation_params"]["call"] == "session-1/0/1/0"
    message = said.outputs["generations"][0][0]["message"]["kwargs"]
    assert message["content"] == "Hi."
    assert message["usage_metadata"]["input_tokens"] == 20
    assert failed.error is not None
    assert "server_error" in failed.error


class Refuses(BaseCallbackHandler):
    """Kept out of calls by LangChain where it cannot take them; must not end a session."""

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        raise RuntimeError("a tracer's own fault")


async def test_a_tracers_fault_does_not_end_a_call() -> None:
    async with ScriptedEndpoint([says("Hi.")]) as server:
        model = model_at(server)

        async def call(_: int) -> str:
            return (await model.say(HELLO, KEY, 11)).text

        assert await RunnableLambda(call).ainvoke(1, {"callbacks": [Refuses()]}) == "Hi."


def test_a_block_within_a_block_asks_no_more() -> None:
    with settled_listeners(), collect_runs(), settled_listeners():
        assert not anybody_listens()
    with settled_listeners([Kept()]), settled_listeners():
        assert anybody_listens()
    assert not anybody_listens()
