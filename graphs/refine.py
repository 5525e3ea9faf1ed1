"""Refining a session: play, criticise, then accept it or rewind to where it went wrong.

```
START -> play -> criticise -> rewind -> play -> … -> conclude -> END
```
A rewind keeps every turn before the earliest flawed one, byte for byte, and plays on with the
supervisor's guidance in the therapist's notes. The best draft wins.

Nodes that may be followed by two say which with a `Command`: a router of its own costs as much as
half a node. Their return types are what LangGraph draws the routes from.
"""

from functools import cache
from typing import Any, Literal

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command
from typing_extensions import TypedDict

from agents.listeners import settled_listeners
from agents.supervisor import criticise as ask_supervisor
from agents.telltale import sent_back_for
from domain.call import CallFailed, CallKey
from domain.critique import Critique
from domain.scenario import PlanItem
from domain.session import Draft, Failure, Session, Status, StopReason
from domain.turn import Turn
from graphs.context import PlayContext
from graphs.session import SessionState, begin_draft, failure_of, play


class RefineState(SessionState):
    """A session while it is refined: the draft being played, and the finished ones."""

    start: int
    """Turns before it are kept from the draft that is revised."""
    drafts: tuple[Draft, ...]
    session: Session | None
    """The outcome, once there is one."""


class CriticiseUpdate(TypedDict, total=False):
    """What a critique may change."""

    drafts: tuple[Draft, ...]
    step: int
    failure: Failure | None


class RewindUpdate(TypedDict):
    """What a rewind sets: the beginning of the next draft."""

    draft: int
    start: int
    guidance: tuple[str, ...]
    turns: tuple[Turn, ...]
    step: int
    stop_reason: StopReason | None


class ConcludeUpdate(TypedDict):
    """What the end sets."""

    session: Session


async def play_draft(
    state: RefineState, runtime: Runtime[PlayContext]
) -> Command[Literal["criticise", "conclude"]]:
    """Play the draft; one that could not be played to its end is not criticised."""
    update = await play(state, runtime)
    return Command(update=update, goto="conclude" if update.get("failure") else "criticise")


async def criticise(
    state: RefineState, runtime: Runtime[PlayContext]
) -> Command[Literal["rewind", "conclude"]]:
    """Ask for a critique; rewind where there is something to play again and a revision left."""
    update = await _criticised(state, runtime)
    if update.get("failure"):
        return Command(update=update, goto="conclude")
    last = update["drafts"][-1]
    bound = last.number >= runtime.context.settings.revisions
    ended = bound or _critique(last).rewind_to is None
    return Command(update=update, goto="conclude" if ended else "rewind")


async def _criticised(state: RefineState, runtime: Runtime[PlayContext]) -> CriticiseUpdate:
    """Close the draft and ask the supervisor; a draft without its critique is kept as well."""
    context, item = runtime.context, state["item"]
    draft = _close(state)
    key = CallKey(session=state["session_id"], draft=draft.number, step=state["step"], attempt=0)
    seed = item.seed(draft.number, state["step"])
    try:
        critique = await ask_supervisor(
            context.supervisor, context.pack, item, draft.turns, key, seed
        )
    except CallFailed as failed:
        return {"drafts": (*state["drafts"], draft), "failure": failure_of(failed)}
    if context.discriminator is not None:
        critique = sent_back_for(critique, context.discriminator.read(draft.turns))
    done = draft.model_copy(update={"critique": critique})
    return {"drafts": (*state["drafts"], done), "step": state["step"] + 1}


def _close(state: RefineState) -> Draft:
    reason = state["stop_reason"]
    if reason is None:
        raise RuntimeError("a draft is criticised before it has ended")
    return Draft(
        number=state["draft"],
        start=state["start"],
        guidance=state["guidance"],
        turns=state["turns"],
        stop_reason=reason,
    )


async def rewind(state: RefineState) -> RewindUpdate:
    """Begin the next draft at the earliest flawed turn.

    Guidance of earlier drafts stays: what they mended must not come back later in the session.
    """
    last = state["drafts"][-1]
    critique = _critique(last)
    start = critique.rewind_to or 0
    return {
        "draft": last.number + 1,
        "start": start,
        "guidance": tuple(dict.fromkeys((*state["guidance"], *critique.guidance))),
        "turns": last.turns[:start],
        "step": 0,
        "stop_reason": None,
    }


async def conclude(state: RefineState) -> ConcludeUpdate:
    """Say what became of the session."""
    return {"session": session_of(state["item"], state["drafts"], state["failure"])}


def session_of(
    item: PlanItem, drafts: tuple[Draft, ...], failure: Failure | None = None
) -> Session:
    """Return the finished session with its best draft."""
    best = best_of(drafts)
    if failure is not None:
        status = Status.QUARANTINED
    elif best is not None and _critique(drafts[best]).accepted:
        status = Status.ACCEPTED
    else:
        status = Status.REJECTED
    return Session(
        id=item.session_id,
        plan_index=item.index,
        persona_id=item.persona.id,
        scenario_id=item.scenario.id,
        problem=item.persona.problem,
        technique=item.scenario.technique,
        style=item.persona.style.value,
        status=status,
        best=best,
        drafts=drafts,
        failure=failure,
    )


def best_of(drafts: tuple[Draft, ...]) -> int | None:
    """Return the number of the best criticised draft, or None.

    Accepted drafts come first, then those with more gates passed, then the higher score; of
    equals the earlier wins.
    """
    rated = [draft for draft in drafts if draft.critique is not None]
    best = max(rated, key=lambda draft: (_worth(_critique(draft)), -draft.number), default=None)
    return None if best is None else best.number


def _worth(critique: Critique) -> tuple[bool, int, float]:
    passed = sum(gate.passed for gate in critique.answer.gates)
    return critique.accepted, passed, critique.score


def _critique(draft: Draft) -> Critique:
    if draft.critique is None:
        raise RuntimeError(f"draft {draft.number} has no critique")
    return draft.critique


def build_refine_graph() -> CompiledStateGraph[RefineState, PlayContext, Any, Any]:
    """Compile the graph that plays a session and refines it."""
    graph = StateGraph(RefineState, context_schema=PlayContext, output_schema=ConcludeUpdate)
    graph.add_node("play", play_draft)
    graph.add_node("criticise", criticise)
    graph.add_node("rewind", rewind)
    graph.add_node("conclude", conclude)
    graph.add_edge(START, "play")
    graph.add_edge("rewind", "play")
    graph.add_edge("conclude", END)
    return graph.compile(name="refine")


_compiled = cache(build_refine_graph)


async def play_item(
    item: PlanItem, context: PlayContext, config: RunnableConfig | None = None
) -> Session:
    """Play and refine one line of a plan.

    Args:
        item: Who plays what.
        context: Pack, limits and models.
        config: LangChain's run config, e.g. callbacks.

    Returns:
        The session. One that could not be played or criticised is quarantined, with its
        failure and the drafts that were finished.

    Raises:
        BudgetReachedError: The run may spend no more.
        StoreError: A call cannot be recorded, or the run cannot be resumed.
    """
    settings = context.settings
    state: RefineState = {**begin_draft(item), "start": 0, "drafts": (), "session": None}
    steps = 3 * settings.revisions + 10
    own: RunnableConfig = {**(config or {}), "recursion_limit": steps}
    with settled_listeners(own.get("callbacks")):
        done = await _compiled().ainvoke(state, config=own, context=context)
    session: Session = done["session"]
    return session
