"""Casting one persona: proposed from examples, compared with them, proposed again where too alike.

```
START -> propose -> compare -> propose -> … -> END
```
A proposal fits its schema and its cell, or is shown its faults (see `agents.caster`). Copying an
example is what models do most; what is like somebody cast elsewhere is found between rounds.

After the way of Self-Instruct (Wang et al., 2023, ACL): few-shot examples from the pack and from
what has been cast, and a likeness above which a proposal is refused.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from langchain_core.runnables import RunnableConfig
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command
from pydantic import InstanceOf
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import TypedDict

from agents.caster import TOO_LIKE, likeness, persona_text, propose
from agents.llm import RoleModel
from agents.pack import Pack
from domain.base import seed_of
from domain.call import CallFailed, CallKey
from domain.cast import CastingOrder, CastingResult, PersonaAnswer
from domain.persona import Persona

TRIES = 2
"""Proposals for an order, unless said otherwise; the second is told whom the first was too like."""


@dataclass(frozen=True)
class CastingContext:
    """For writing personas."""

    pack: SkipJsonSchema[InstanceOf[Pack]]
    caster: SkipJsonSchema[InstanceOf[RoleModel]]
    tries: int = TRIES
    """Proposals for an order at most."""


class CastingState(TypedDict):
    """A persona while it is written."""

    order: CastingOrder
    tries: int
    avoid: tuple[Persona, ...]
    """Examples that a proposal was too like."""
    proposal: PersonaAnswer | None
    result: CastingResult | None


class Proposed(TypedDict, total=False):
    """What proposing may change."""

    proposal: PersonaAnswer
    tries: int
    result: CastingResult


class Compared(TypedDict, total=False):
    """What comparing may change."""

    avoid: tuple[Persona, ...]
    result: CastingResult


async def propose_persona(
    state: CastingState, runtime: Runtime[CastingContext]
) -> Command[Literal["compare", "__end__"]]:
    """Ask for a persona; where none can be had, the order ends with the reason."""
    context, order, tries = runtime.context, state["order"], state["tries"]
    asked = order.model_copy(update={"avoid": (*order.avoid, *state["avoid"])})
    key = CallKey(session=order.id, draft=0, step=tries, attempt=0)
    try:
        answer = await propose(
            context.caster, context.pack, asked, key, seed_of(order.seed, order.index, tries)
        )
    except CallFailed as failed:
        why = f"{failed.result.outcome.value}: {failed.result.detail}"
        refused = CastingResult(index=order.index, why=why)
        return Command(update=Proposed(result=refused), goto="__end__")
    return Command(update=Proposed(proposal=answer, tries=tries + 1), goto="compare")


async def compare(
    state: CastingState, runtime: Runtime[CastingContext]
) -> Command[Literal["propose", "__end__"]]:
    """Refuse a proposal that is an example in other words, as often as there are tries."""
    order, answer = state["order"], state["proposal"]
    if answer is None:
        raise RuntimeError("there is no proposal to compare")
    text = persona_text(answer)
    copied = [one for one in order.examples if likeness(text, persona_text(one)) >= TOO_LIKE]
    if not copied:
        done = CastingResult(index=order.index, answer=answer)
        return Command(update=Compared(result=done), goto="__end__")
    if state["tries"] < runtime.context.tries:
        avoid = (*state["avoid"], *(one for one in copied if one not in state["avoid"]))
        return Command(update=Compared(avoid=avoid), goto="propose")
    refused = CastingResult(index=order.index, why="near-duplicate: of an example")
    return Command(update=Compared(result=refused), goto="__end__")


def build_casting_graph() -> CompiledStateGraph[CastingState, CastingContext, Any, Any]:
    """Compile the graph that has one persona written."""
    graph = StateGraph(CastingState, context_schema=CastingContext)
    graph.add_node("propose", propose_persona)
    graph.add_node("compare", compare)
    graph.add_edge(START, "propose")
    return graph.compile(name="casting")


_compiled = cache(build_casting_graph)


async def write_persona(
    order: CastingOrder, context: CastingContext, config: RunnableConfig | None = None
) -> CastingResult:
    """Have one persona written.

    Returns:
        The persona, or why there is none.

    Raises:
        BudgetReachedError: The run may spend no more.
        PackError: The pack has no prompts for it.
        StoreError: A call cannot be recorded, or the run cannot be resumed.
    """
    state: CastingState = {
        "order": order, "tries": 0, "avoid": (), "proposal": None, "result": None,
    }  # fmt: skip
    done = await _compiled().ainvoke(state, config=config, context=context)
    result: CastingResult = done["result"]
    return result
