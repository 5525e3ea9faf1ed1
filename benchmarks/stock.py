"""What users compare with: LangChain's own chat model, alone and under a graph of its own.

Written as LangChain's and LangGraph's documentation shows it: one shared `ChatOpenAI` per sampling,
`with_structured_output` for the critic, a node for every utterance, no checkpointer. Nothing is
stored and nothing can be resumed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal, cast

import httpx
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from benchmarks.meter import Lap, measured
from benchmarks.raw import read_tape
from domain.critique import CritiqueAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from langgraph.graph.state import CompiledStateGraph

    from benchmarks.course import Shape
    from benchmarks.raw import Session


class Models:
    """The chat models of a run; made inside its event loop, as the client's pool belongs to it."""

    def __init__(self, base_url: str) -> None:
        # The default pool holds 1,000 connections: as many as are needed.
        self.http = httpx.AsyncClient()
        shared: dict[str, Any] = {
            "base_url": base_url, "api_key": "none", "model": "stub", "max_retries": 0,
            "http_async_client": self.http,
        }  # fmt: skip
        self.talker = ChatOpenAI(temperature=0.7, max_tokens=400, **shared)
        critic = ChatOpenAI(temperature=0.0, max_tokens=4000, **shared)
        self.critic = critic.with_structured_output(CritiqueAnswer, method="json_schema")


class ChatLane:
    """The plain loop with `ChatOpenAI` in the place of aiohttp and orjson."""

    def __init__(self, base_url: str, tape: Path, in_flight: int, sessions: int) -> None:
        self._base_url = base_url
        self._sessions = read_tape(tape)[:sessions]
        self._in_flight = in_flight
        self.lap()

    def lap(self) -> Lap:
        """Ask for everything on the tape once."""
        with measured(sum(map(len, self._sessions))) as lap:
            asyncio.run(self._run())
        return lap

    async def _run(self) -> None:
        models, left = Models(self._base_url), iter(self._sessions)
        async with models.http, asyncio.TaskGroup() as group:
            for _ in range(self._in_flight):
                group.create_task(_ask_all(models, left))


async def _ask_all(models: Models, left: Iterator[Session]) -> None:
    for session in left:
        for body in session:
            model = models.critic if "response_format" in body else models.talker
            await model.ainvoke(body["messages"], seed=body["seed"])


class StockState(TypedDict):
    """A session: what was said, how often it was sent back, whether it is over."""

    turns: list[str]
    draft: int
    over: bool


def build_graph(models: Models, prompt: str, notes: str, shape: Shape) -> CompiledStateGraph[Any]:
    """Compile a session with a node per utterance, a critic and a way back."""

    async def speak(state: StockState) -> dict[str, Any]:
        turns = state["turns"]
        reply = await models.talker.ainvoke(_messages(prompt, turns, notes))
        return {"turns": [*turns, str(reply.content)]}

    async def criticise(state: StockState) -> dict[str, Any]:
        turns = state["turns"]
        lines = [f"[{i}] {('Therapist', 'Client')[i % 2]}: {t}" for i, t in enumerate(turns)]
        asked = [SystemMessage(prompt), HumanMessage("\n".join(lines))]
        critique = cast("CritiqueAnswer", await models.critic.ainvoke(asked))
        if state["draft"] >= shape.revisions:
            return {"over": True}
        return {"turns": turns[: critique.flaws[0].turn], "draft": state["draft"] + 1}

    async def after_client(state: StockState) -> Literal["therapist", "critic"]:
        return "critic" if len(state["turns"]) >= 2 * shape.exchanges else "therapist"

    async def after_critic(state: StockState) -> Literal["therapist", "__end__"]:
        return "__end__" if state["over"] else "therapist"

    graph = StateGraph(StockState)
    graph.add_node("therapist", speak)
    graph.add_node("client", speak)
    graph.add_node("critic", criticise)
    graph.add_edge(START, "therapist")
    graph.add_edge("therapist", "client")
    graph.add_conditional_edges("client", after_client)
    graph.add_conditional_edges("critic", after_critic, ["therapist", END])
    return graph.compile()


def _messages(prompt: str, turns: list[str], notes: str) -> list[BaseMessage]:
    """Lay out a request of the engine's size: the other's turns are the user's, notes come last."""
    messages: list[BaseMessage] = [SystemMessage(prompt)]
    for back, turn in enumerate(reversed(turns)):
        kind = AIMessage if back % 2 else HumanMessage
        messages.insert(1, kind(f"{turn}\n\n{notes}" if not back else turn))
    return messages if turns else [*messages, HumanMessage(notes)]


class StockLane:
    """Sessions of the stock graph; the prompt and the notes are those of a recorded session."""

    def __init__(
        self, base_url: str, tape: Path, in_flight: int, sessions: int, shape: Shape
    ) -> None:
        self._base_url, self._shape = base_url, shape
        first = read_tape(tape)[0][0]["messages"]
        self._prompt, self._notes = first[0]["content"], first[-1]["content"]
        self._in_flight, self._sessions = in_flight, sessions
        self.lap()

    def lap(self) -> Lap:
        """Play the sessions once."""
        with measured(self._sessions * self._shape.calls) as lap:
            asyncio.run(self._run())
        return lap

    async def _run(self) -> None:
        models, left = Models(self._base_url), iter(range(self._sessions))
        graph = build_graph(models, self._prompt, self._notes, self._shape)
        async with models.http, asyncio.TaskGroup() as group:
            for _ in range(self._in_flight):
                group.create_task(self._play(graph, left))

    async def _play(self, graph: CompiledStateGraph[Any], left: Iterator[int]) -> None:
        for _ in left:
            beginning: StockState = {"turns": [], "draft": 0, "over": False}
            end = await graph.ainvoke(beginning, {"recursion_limit": 100})
            if not end["over"] or len(end["turns"]) != 2 * self._shape.exchanges:
                raise RuntimeError(f"a stock session ended after {len(end['turns'])} turns")
