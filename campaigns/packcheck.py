"""A pack tried out as a campaign would use it: everything read, cast, and filled in."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from pydantic import BaseModel

from agents.client import client_messages
from agents.judge import judge_messages
from agents.prompts import SLOTS
from agents.scene import Scene
from agents.supervisor import supervisor_messages
from agents.therapist import therapist_messages
from campaigns.casting.deal import Cell, Dealer, Quota, quota_of
from campaigns.casting.expansion import Expander
from campaigns.casting.grammar import load_grammar
from campaigns.casting.writing import cast_item
from domain.base import Noun
from domain.case import Kind, Subject
from domain.casting import CastingSettings
from domain.errors import PackError
from domain.persona import RiskLevel, Style
from domain.record import Origin
from domain.turn import Speaker, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.pack import Pack
    from campaigns.casting.grammar import Grammar
    from domain.scenario import PlanItem

PEOPLE = 50
"""People who are cast for a check, besides one for every case."""
EXCHANGES = 12
SEED = 7
ANY_AGE = (18, 99)


class PackReport(Noun):
    """What a check found. What it says in the last four is no error, but worth a look."""

    name: str
    title: str
    hash: str
    counts: dict[str, int]
    cast: int
    """People cast; every case at least once."""
    prompts_filled: int
    unused_techniques: tuple[str, ...]
    """In the taxonomy, and in no problem's casting file."""
    unused_distortions: tuple[str, ...]
    """In the taxonomy, and shown by no thought."""
    uncast_files: tuple[str, ...]
    """Files in the casting folder that no problem is named after; nothing reads them."""
    unused_slots: dict[str, tuple[str, ...]]
    """By prompt, the placeholders that it may ask for and does not."""


def check_pack(pack: Pack) -> PackReport:
    """Read the casting files, cast people, and fill every prompt for each of them.

    Raises:
        PackError: A casting file is missing or wrong, a text names an unknown slot or is
            malformed, no life fits a case, or a prompt cannot be filled.
    """
    grammar = load_grammar(pack)
    _check_texts(pack, grammar)
    quota = quota_of(grammar, CastingSettings())
    dealer = Dealer(quota, SEED)
    cells = [*_every_case(quota), *(dealer.deal() for _ in range(PEOPLE))]
    plan = [cast_item(grammar, cell, index, SEED) for index, cell in enumerate(cells)]
    filled = sum(_fill_all(pack, item) for item in plan)
    cases = [case for problem in grammar.problems for case in problem.cases]
    used = {name for problem in grammar.problems for name in problem.techniques}
    shown = {thought.distortion for case in cases for thought in case.thoughts}
    files = {"people", "scenarios", *pack.taxonomies["problems"].keys}
    return PackReport(
        name=pack.name,
        title=pack.title,
        hash=pack.hash,
        counts=_counts(pack, grammar),
        cast=len(plan),
        prompts_filled=filled,
        unused_techniques=_without(pack, "techniques", used),
        unused_distortions=_without(pack, "distortions", shown),
        uncast_files=tuple(
            sorted(one.name for one in pack.casting.glob("*.yaml") if one.stem not in files)
        ),
        unused_slots={
            name: tuple(sorted(SLOTS[name].allowed - prompt.names))
            for name, prompt in pack.prompts.items()
            if SLOTS[name].allowed - prompt.names
        },
    )


def _without(pack: Pack, taxonomy: str, used: set[str]) -> tuple[str, ...]:
    return tuple(key for key in pack.taxonomies[taxonomy].keys if key not in used)


def _counts(pack: Pack, grammar: Grammar) -> dict[str, int]:
    cases = [case for problem in grammar.problems for case in problem.cases]
    return {
        "prompts": len(pack.prompts),
        "items": len(pack.session.items),
        "gates": len(pack.gates),
        "flaws": len(pack.flaws),
        "blocking flaws": sum(flaw.blocks for flaw in pack.flaws),
        "limits": len(pack.limits.limits),
        "criteria": len(pack.criteria),
        "parts of the hour": len(pack.phases.parts),
        "problems": len(grammar.problems),
        "problems with risk": sum(problem.risk is not None for problem in grammar.problems),
        "cases": len(cases),
        "thoughts": sum(len(case.thoughts) for case in cases),
        "distortions": len(pack.taxonomies["distortions"].keys),
        "techniques": len(pack.taxonomies["techniques"].keys),
        "backgrounds": len(grammar.people.backgrounds),
        "occupations": len(grammar.people.occupations),
        "households": len(grammar.people.households),
    }


def _every_case(quota: Quota) -> Iterator[Cell]:
    """Yield one cell for each case, with all else in turn."""
    world, at = quota.world, 0
    values = world.values
    for problem in world.grammar.problems:
        for case in problem.cases:
            thought = case.thoughts[0]
            fits = [x for x in problem.techniques if thought.distortion in world.grammar.fits[x]]
            risks = list(RiskLevel) if problem.risk else [RiskLevel.NONE]
            at += 1
            yield Cell(
                problem=problem,
                technique=fits[0],
                style=Style(values["style"][at % len(values["style"])]),
                risk=risks[at % len(risks)],
                band=ANY_AGE,
                gender=values["gender"][at % len(values["gender"])],
                culture=values["culture"][at % len(values["culture"])],
                case=case,
                thought=thought,
                lives=world.lives.within(problem, case, ANY_AGE),
            )


def _check_texts(pack: Pack, grammar: Grammar) -> None:
    """Fill every text once, drawn or not; a brace that is left belongs to none."""
    for problem in grammar.problems:
        where = f"{pack.name}/casting/{problem.problem}.yaml"
        slots = {**grammar.people.slots, **problem.slots}
        for text in _texts(problem):
            _fill(text, slots, where)
    where = f"{pack.name}/casting/scenarios.yaml"
    for key, texts in (*grammar.scenarios.agenda.items(), *grammar.scenarios.homework.items()):
        topic = {"topic": ("",)} if key == "opening" else {}
        for text in texts:
            _fill(text, {**grammar.people.slots, **topic}, where)


def _fill(text: str, slots: dict[str, tuple[str, ...]], where: str) -> None:
    try:
        filled = Expander(slots, random.Random(SEED)).fill(text)
    except PackError as error:
        raise PackError(error.what, **{**error.fields(), "where": f"{where}: {text}"}) from None
    if "{" in filled or "}" in filled:
        raise PackError(
            "a casting text has a brace that belongs to no slot",
            where=f"{where}: {text}",
            expected="{slot} or {alternatives|like|these}, none inside another",
            got=filled,
            mend="Close the brace, or take the slot out of the alternatives.",
        )


def _texts(noun: BaseModel) -> Iterator[str]:
    """Yield every text of a casting file, in it or below."""
    for name in type(noun).model_fields:
        if name not in ("slots", "source"):
            yield from _inside(getattr(noun, name))


def _inside(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, BaseModel):
        yield from _texts(value)
    elif isinstance(value, tuple):
        for one in value:
            yield from _inside(one)


def _fill_all(pack: Pack, item: PlanItem) -> int:
    """Write what each role would be sent; return how many prompts were filled."""
    opening = Turn(index=0, speaker=Speaker.THERAPIST, text="What brings you here?")
    told = Turn(index=1, speaker=Speaker.CLIENT, text=item.persona.presenting_problem)
    for exchange in range(1, EXCHANGES + 1):
        therapist_messages(pack, Scene(item, (opening, told), exchange, EXCHANGES))
        client_messages(pack, Scene(item, (opening,), exchange, EXCHANGES))
    supervisor_messages(pack, item, (opening, told))
    subjects = [
        Subject(
            kind=kind,
            scenario="check",
            origin=Origin.SYNTHETIC,
            turns=(opening, told),
            reply="So you are in two minds.",
            rival="How long has it been so?",
            must=("ask",),
            must_not=("lecture",),
        )
        for kind in Kind
    ]
    for criterion in pack.criteria.values():
        for subject in subjects:
            judge_messages(pack, criterion, subject)
    return 4 * EXCHANGES + 2 + 2 * len(pack.criteria) * len(subjects)
