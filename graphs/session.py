"""Playing one draft of a session: exchange after exchange, until it ends or fails.

```
START -> play -> END
```
The whole draft is one node: LangGraph costs as much as two calls each time a node is entered, and
a draft needs nothing from it between two exchanges. A draft that is cut short is not played on from
a state but recalled, call by call, from the ledger.
"""

from functools import cache
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from typing_extensions import TypedDict

from agents.client import client_prompt, client_says
from agents.listeners import settled_listeners
from agents.scene import Scene
from agents.therapist import therapist_prompt, therapist_says
from domain.call import CallFailed, CallKey
from domain.scenario import PlanItem
from domain.session import Failure, StopReason
from domain.turn import Speaker, Turn
from graphs.context import PlayContext
from measures.farewell import goodbye_loop_start, is_courtesy, is_farewell
from measures.session import read_ahead


class SessionState(TypedDict):
    """A draft while it is played.

    `turns` may start with turns kept from an earlier draft; `step` counts the draft's calls.
    """

    item: PlanItem
    session_id: str
    """`item.session_id`: a hash over the whole item, taken once."""
    draft: int
    guidance: tuple[str, ...]
    turns: tuple[Turn, ...]
    step: int
    stop_reason: StopReason | None
    failure: Failure | None


class SessionUpdate(TypedDict, total=False):
    """What playing may change."""

    turns: tuple[Turn, ...]
    step: int
    stop_reason: StopReason | None
    failure: Failure | None


def begin_draft(
    item: PlanItem,
    draft: int = 0,
    turns: tuple[Turn, ...] = (),
    guidance: tuple[str, ...] = (),
) -> SessionState:
    """Return the state a draft begins with; `turns` are kept from the draft it revises."""
    return {
        "item": item,
        "session_id": item.session_id,
        "draft": draft,
        "guidance": guidance,
        "turns": turns,
        "step": 0,
        "stop_reason": None,
        "failure": None,
    }


async def play(state: SessionState, runtime: Runtime[PlayContext]) -> SessionUpdate:
    """Play exchanges until the draft has ended or a call has failed."""
    turns, step, reason, context = state["turns"], state["step"], None, runtime.context
    of_therapist = context.tested_as or therapist_prompt(context.pack, state["item"])
    of_client = client_prompt(context.pack, state["item"])
    try:
        with settled_listeners():
            while reason is None:
                turns = await _speak(state, context, Speaker.THERAPIST, turns, step, of_therapist)
                turns = await _speak(state, context, Speaker.CLIENT, turns, step + 1, of_client)
                read_ahead(turns, new=2)
                turns, reason = stop(turns, context.settings.exchanges)
                step += 2
    except CallFailed as failed:
        # What was said in the exchange that failed is in the ledger; a draft has whole exchanges.
        whole = turns[: len(turns) - len(turns) % 2]
        return {"turns": whole, "step": step, "failure": failure_of(failed)}
    return {"turns": turns, "step": step, "stop_reason": reason}


async def _speak(
    state: SessionState,
    context: PlayContext,
    speaker: Speaker,
    turns: tuple[Turn, ...],
    step: int,
    prompt: str,
) -> tuple[Turn, ...]:
    """Return `turns` with the speaker's next one."""
    item, draft = state["item"], state["draft"]
    scene = Scene(
        item=item,
        turns=turns,
        exchange=len(turns) // 2 + 1,
        exchanges=context.settings.exchanges,
        guidance=state["guidance"],
        prompt=prompt,
        plain=bool(context.tested_as),
    )
    key = CallKey(session=state["session_id"], draft=draft, step=step, attempt=0)
    seed = item.seed(draft, step)
    if speaker is Speaker.THERAPIST:
        text = await therapist_says(context.therapist, context.pack, scene, key, seed)
    else:
        text = await client_says(context.client, context.pack, scene, key, seed)
    return (*turns, Turn(index=len(turns), speaker=speaker, text=text))


def stop(turns: tuple[Turn, ...], exchanges: int) -> tuple[tuple[Turn, ...], StopReason | None]:
    """Return the turns that stay, and why the draft ends, or None where it goes on.

    A courtesy ("Thank you, you too.") answers a goodbye as well as a goodbye does.
    """
    surplus = goodbye_loop_start(turns)
    if surplus is not None:
        return turns[:surplus], StopReason.GOODBYE_LOOP
    therapist, client = turns[-2].text, turns[-1].text
    if is_farewell(therapist) and (is_farewell(client) or is_courtesy(client)):
        return turns, StopReason.AGREED_END
    if len(turns) >= 2 * exchanges:
        return turns, StopReason.TURN_LIMIT
    return turns, None


def failure_of(failed: CallFailed) -> Failure:
    """Return a failed call as data: its outcome, never its text."""
    return Failure(
        call=str(failed.key),
        role=failed.role.value,
        outcome=failed.result.outcome.value,
        detail=failed.result.detail,
    )


def build_session_graph() -> CompiledStateGraph[SessionState, PlayContext, Any, Any]:
    """Compile the graph that plays one draft; see `begin_draft` for its input."""
    graph = StateGraph(SessionState, context_schema=PlayContext)
    graph.add_node("play", play)
    graph.add_edge(START, "play")
    graph.add_edge("play", END)
    return graph.compile(name="session")


_compiled = cache(build_session_graph)


async def play_once(
    item: PlanItem, session_id: str, context: PlayContext, config: RunnableConfig | None = None
) -> SessionState:
    """Play one line of a plan once, without critique or revision.

    Args:
        item: Who plays what.
        session_id: Name under which the calls are kept.
        context: Pack, limits and models; the supervisor is never asked.
        config: LangChain's run config, e.g. callbacks.

    Raises:
        BudgetReachedError: The run may spend no more.
        StoreError: A call cannot be recorded, or the run cannot be resumed.
    """
    state: SessionState = {**begin_draft(item), "session_id": session_id}
    done: Any = await _compiled().ainvoke(state, config=config, context=context)
    played: SessionState = done
    return played
