"""Judging one answer: a blind verdict on every criterion, side by side.

```
START -> rate (one per criterion) -> END
```
"""

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, NamedTuple

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send
from typing_extensions import TypedDict

from agents.judge import rate as ask_judge
from domain.base import seed_of
from domain.call import CallKey
from domain.record import HeldOutContext
from domain.verdict import Answer, Verdict
from graphs.context import JudgeContext


class Ranked(NamedTuple):
    """A verdict with the place of its criterion."""

    step: int
    verdict: Verdict


def in_order(left: Sequence[Ranked], right: Sequence[Ranked]) -> list[Ranked]:
    """Gather verdicts in the order of their criteria, whichever came first."""
    return sorted((*left, *right), key=lambda ranked: ranked.step)


class JudgeState(TypedDict):
    """An answer with its verdicts so far."""

    context: HeldOutContext
    answer: Answer
    verdicts: Annotated[list[Ranked], in_order]


class RateState(TypedDict):
    """What one branch works on; `step` is the place of its criterion."""

    context: HeldOutContext
    answer: Answer
    step: int


class RateUpdate(TypedDict):
    """What one branch adds."""

    verdicts: list[Ranked]


async def spread(state: JudgeState, runtime: Runtime[JudgeContext]) -> list[Send]:
    """Send the answer to a branch per criterion."""
    return [
        Send("rate", RateState(context=state["context"], answer=state["answer"], step=step))
        for step in range(len(runtime.context.criteria))
    ]


async def rate(state: RateState, runtime: Runtime[JudgeContext]) -> RateUpdate:
    """Ask for one verdict.

    The call is kept under the answer's text and scenario, not under the model that gave it: the
    same answer from two models is judged once.
    """
    judging, step, judged = runtime.context, state["step"], state["answer"].judged_id
    verdict = await ask_judge(
        judging.judge,
        judging.pack,
        judging.criteria[step],
        state["context"],
        state["answer"],
        CallKey(session=judged, draft=0, step=step, attempt=0),
        seed_of(judging.seed, judged, step),
    )
    return {"verdicts": [Ranked(step, verdict)]}


def build_judging_graph() -> CompiledStateGraph[JudgeState, JudgeContext, Any, Any]:
    """Compile the graph that judges one answer."""
    graph = StateGraph(JudgeState, context_schema=JudgeContext)
    graph.add_node("rate", rate)
    graph.add_conditional_edges(START, spread, ["rate"])
    graph.add_edge("rate", END)
    return graph.compile(name="judging")


_compiled = cache(build_judging_graph)


async def judge_answer(
    context: HeldOutContext,
    answer: Answer,
    judging: JudgeContext,
    config: RunnableConfig | None = None,
) -> tuple[Verdict, ...]:
    """Judge one answer on every criterion, in their order.

    Returns:
        A verdict per criterion; one that could not be had says why and has no score.

    Raises:
        BudgetReachedError: The run may spend no more.
        StoreError: A call cannot be recorded, or the run cannot be resumed.
    """
    state: JudgeState = {"context": context, "answer": answer, "verdicts": []}
    done = await _compiled().ainvoke(state, config=config, context=judging)
    return tuple(ranked.verdict for ranked in done["verdicts"])
