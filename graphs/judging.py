"""Judging what models said: every case of a panel of judges, side by side.

```
START -> judge (one branch per criterion and scenario) -> END
```
A branch asks all judges about all models' replies to one scenario on one criterion. The cases
within a branch are asked at the same time as plain code: LangGraph costs as much as a few calls
each time a node is entered, see docs/evaluation.md.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from operator import add
from typing import Annotated, Any, NamedTuple

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send
from pydantic import InstanceOf
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import TypedDict

from agents.judge import rule
from agents.listeners import settled_listeners
from domain.case import Case, Ruling
from graphs.context import JudgeContext


class Placed(NamedTuple):
    """A ruling with the place of its case."""

    place: int
    ruling: Ruling


def in_order(left: Sequence[Placed], right: Sequence[Placed]) -> list[Placed]:
    """Gather rulings in the order of their cases, whichever came first."""
    return sorted((*left, *right), key=lambda placed: placed.place)


class JudgeState(TypedDict):
    """Cases with their rulings so far, and what has stopped a case."""

    cases: tuple[Case, ...]
    rulings: Annotated[list[Placed], in_order]
    stopped: Annotated[list[SkipJsonSchema[InstanceOf[BaseException]]], add]


class BranchState(TypedDict):
    """What one branch works on: cases on one criterion in one scenario, with their places."""

    places: tuple[int, ...]
    cases: tuple[Case, ...]


class BranchUpdate(TypedDict):
    """What one branch adds."""

    rulings: list[Placed]
    stopped: list[BaseException]


async def spread(state: JudgeState) -> list[Send]:
    """Send the cases to a branch per criterion and scenario."""
    branches: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, case in enumerate(state["cases"]):
        branches[case.criterion, case.subject.scenario].append(place)
    return [
        Send(
            "judge",
            BranchState(
                places=tuple(places), cases=tuple(state["cases"][place] for place in places)
            ),
        )
        for places in branches.values()
    ]


async def judge(state: BranchState, runtime: Runtime[JudgeContext]) -> BranchUpdate:
    """Ask for the rulings of one branch.

    What stops a case (the budget, Ctrl-C) is returned and not raised: LangGraph would cut off the
    other branches, whose calls are under way, paid, and not yet recorded.
    """
    with settled_listeners():
        asked = [_ruled(case, runtime.context) for case in state["cases"]]
        found = await asyncio.gather(*asked, return_exceptions=True)
    placed = list(zip(state["places"], found, strict=True))
    return {
        "rulings": [Placed(place, one) for place, one in placed if isinstance(one, Ruling)],
        "stopped": [one for _, one in placed if isinstance(one, BaseException)],
    }


async def _ruled(case: Case, judging: JudgeContext) -> Ruling:
    criterion = judging.criteria[case.criterion]
    return await rule(judging.judges[case.judge], judging.pack, criterion, case, judging.seed)


def build_judging_graph() -> CompiledStateGraph[JudgeState, JudgeContext, Any, Any]:
    """Compile the graph that judges a bundle of cases."""
    graph = StateGraph(JudgeState, context_schema=JudgeContext)
    graph.add_node("judge", judge)
    graph.add_conditional_edges(START, spread, ["judge"])
    graph.add_edge("judge", END)
    return graph.compile(name="judging")


_compiled = cache(build_judging_graph)


async def judge_cases(
    cases: Sequence[Case], judging: JudgeContext, config: RunnableConfig | None = None
) -> tuple[Ruling, ...]:
    """Have cases ruled on, and return the rulings in their order.

    Raises:
        BudgetReachedError: The run may spend no more.
        StoreError: A call cannot be recorded, or the run cannot be resumed.
    """
    if not cases:
        return ()
    state: JudgeState = {"cases": tuple(cases), "rulings": [], "stopped": []}
    done = await _compiled().ainvoke(state, config=config, context=judging)
    for error in done["stopped"]:
        raise error
    return tuple(placed.ruling for placed in done["rulings"])
