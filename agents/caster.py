"""The caster: writes a persona for a cell of the plan, and is held to the cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from agents.messages import Message, system, user
from agents.structured import InvalidAnswerError
from domain.cast import PersonaAnswer
from domain.errors import PackError
from domain.persona import RiskLevel
from measures.disclosure import reveals
from measures.identifiers import identifiers
from measures.repetition import jaccard, ngrams
from measures.risk import RiskKind, risk_kind, unsafe_advice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agents.llm import RoleModel
    from agents.pack import Pack
    from domain.call import CallKey
    from domain.cast import CastingCase, CastingOrder
    from domain.persona import Persona

RUN = 3
"""Words in a run; personas are short, and runs of five hardly ever recur in them."""
TOO_LIKE = 0.3
"""Overlap of such runs (Jaccard) from which two personas are near-duplicates."""
LEAST_THOUGHTS = 3
_NONE = "none"


def caster_messages(pack: Pack, order: CastingOrder) -> list[Message]:
    """Write the request for a persona.

    Raises:
        PackError: The pack has no prompts for it.
    """
    if "caster" not in pack.prompts or "caster_case" not in pack.prompts:
        raise PackError(
            "the pack has no prompts for having personas written",
            where=f"{pack.root.name}/pack.yaml: prompts",
            expected="caster and caster_case",
            got=", ".join(pack.prompts),
            mend="Add them (packs/cbt/prompts has both), or set campaign.casting.by to grammar.",
        )
    case = order.case
    text = pack.fill(
        "caster_case",
        problem=case.problem,
        problem_name=pack.named("problems", case.problem),
        problem_description=pack.described("problems", case.problem),
        technique=case.technique,
        technique_name=pack.named("techniques", case.technique),
        youngest=str(case.youngest),
        oldest=str(case.oldest),
        gender=case.gender,
        culture=case.culture,
        style=case.style.value,
        style_description=pack.described("styles", case.style.value),
        risk=case.risk.value,
        fitting=", ".join(case.fitting),
        distortions=", ".join(pack.taxonomies["distortions"].keys),
        examples="\n".join(_shown(one) for one in order.examples) or _NONE,
        avoid="\n".join(_shown(one) for one in order.avoid) or _NONE,
    )
    return [system(pack.fill("caster")), user(text)]


def _shown(persona: Persona) -> str:
    """Return a persona as the answer's schema has it, on one line."""
    fields = persona.model_dump(mode="json", exclude={"culture"})
    return orjson.dumps(fields).decode()


async def propose(
    model: RoleModel, pack: Pack, order: CastingOrder, key: CallKey, seed: int
) -> PersonaAnswer:
    """Return a persona that fits the schema and its cell.

    Raises:
        CallFailed: Every attempt failed, or no repair made the answer fit.
        PackError: The pack has no prompts for it.
    """
    check = cell_check(pack, order.case)
    return await model.ask(caster_messages(pack, order), PersonaAnswer, key, seed, check=check)


def cell_check(pack: Pack, case: CastingCase) -> Callable[[PersonaAnswer], None]:
    """Return what a schema cannot say: that a persona is of its cell, safe, and nobody real.

    The check raises `InvalidAnswerError` with all faults it finds.
    """
    known = set(pack.taxonomies["distortions"].keys)

    def check(answer: PersonaAnswer) -> None:
        faults = [
            *_off_cell(answer, case),
            *_off_thoughts(answer, case, known),
            *_off_risk(answer, case),
            *_told_too_soon(answer),
            *_identifying(answer),
        ]
        if faults:
            raise InvalidAnswerError("; ".join(faults))

    return check


def _off_cell(answer: PersonaAnswer, case: CastingCase) -> Iterator[str]:
    if not case.youngest <= answer.age <= case.oldest:
        yield f"age: {answer.age} is not {case.youngest} to {case.oldest}"
    for name in ("problem", "gender", "style", "risk"):
        asked, got = getattr(case, name), getattr(answer, name)
        if asked != got:
            yield f"{name}: the case says {asked}, not {got}"


def _off_thoughts(answer: PersonaAnswer, case: CastingCase, known: set[str]) -> Iterator[str]:
    thoughts, kinds = answer.diagram.automatic_thoughts, answer.distortions
    if len(thoughts) < LEAST_THOUGHTS:
        yield f"diagram.automatic_thoughts: at least {LEAST_THOUGHTS}"
    if len(thoughts) != len(kinds):
        yield f"distortions: one for each of the {len(thoughts)} automatic thoughts, in their order"
    if strays := sorted(set(kinds) - known):
        yield f"distortions: there is no {', '.join(strays)}"
    if kinds[0] not in case.fitting:
        yield f"distortions: the first is one of {', '.join(case.fitting)}"


def _off_risk(answer: PersonaAnswer, case: CastingCase) -> Iterator[str]:
    said = answer.risk_statement.strip()
    if bool(said) is (case.risk is RiskLevel.NONE):
        yield "risk_statement: one sentence, or empty where the risk is none"
    if case.risk is RiskLevel.STATED and risk_kind(said) is not RiskKind.STATED:
        yield "risk_statement: says outright that the person thinks of ending their life"
    spoken = " ".join([said, answer.history, answer.presenting_problem, _diagram_text(answer)])
    if unsafe_advice(spoken):
        yield "no method of harm and no advice on medication, anywhere"
    elif case.risk is RiskLevel.NONE and risk_kind(spoken) is RiskKind.STATED:
        yield "the case is without risk: nothing in it speaks of suicide"


def _told_too_soon(answer: PersonaAnswer) -> Iterator[str]:
    told = " ".join([answer.presenting_problem, answer.topic, *answer.goals])
    if reveals(told, answer.diagram.core_beliefs, ""):
        yield "presenting_problem, goals and topic: they give a core belief away"
    words = set(answer.topic.lower().replace("'", " ").split())
    if words & {"i", "my", "me", "myself"}:
        yield "topic: without I, my or me"


def _identifying(answer: PersonaAnswer) -> Iterator[str]:
    if found := identifiers(f"{persona_text(answer)} {answer.occupation} {answer.name}"):
        yield f"nothing that could identify somebody: {found[0].text}"
    if len(answer.name.split()) > 1:
        yield "name: a first name only"


def _diagram_text(persona: PersonaAnswer | Persona) -> str:
    diagram = persona.diagram
    parts = (
        (diagram.situation,),
        diagram.automatic_thoughts,
        diagram.behaviours,
        diagram.intermediate_beliefs,
        diagram.core_beliefs,
        diagram.coping,
    )
    return ". ".join(text for part in parts for text in part)


def persona_text(persona: PersonaAnswer | Persona) -> str:
    """Return what makes a persona its own: presenting problem, history, goals and diagram."""
    told = (persona.presenting_problem, persona.history, *persona.goals)
    return f"{'. '.join(told)}. {_diagram_text(persona)}"


def likeness(one: str, other: str) -> float:
    """Return how alike two personas' texts are, 0 to 1: overlap of runs of three words."""
    return jaccard(ngrams(one, RUN), ngrams(other, RUN))
