"""Personas and scenarios, drawn from the pack's casting grammar.

What belongs together is drawn together: the situation brings its thoughts and behaviours, core
beliefs bring their rules, and the life fits the situation.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Protocol, TypeVar

from campaigns.expansion import Expander
from campaigns.grammar import GENDERS, Aged
from domain.base import seed_of
from domain.errors import PackError
from domain.persona import CognitiveConceptualization, Persona, RiskLevel
from domain.scenario import PlanItem, Scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

    from campaigns.coverage import Cell
    from campaigns.grammar import Background, Grammar, Household, Occupation, Problem

_GENDER_WEIGHTS = {"women": 11, "men": 8, "nonbinary": 1}
"""Who comes to counselling, roughly; a field of its own in the plan, so it can be balanced."""
_TRIES = 2000


class _Aged(Protocol):
    @property
    def ages(self) -> tuple[int, int]: ...


A = TypeVar("A", bound=_Aged)


def cast_item(grammar: Grammar, cell: Cell, index: int, seed: int) -> PlanItem:
    """Make one plan item that shows what `cell` says.

    Raises:
        PackError: No life in people.yaml fits the case, or a text names an unknown slot.
    """
    draw = random.Random(seed_of(seed, "cast", index))
    slots = {**grammar.people.slots, **cell.problem.slots}
    expander = Expander(slots, draw)
    persona = _persona(grammar, cell, draw, expander)
    return PlanItem(
        index=index,
        campaign_seed=seed,
        persona=persona,
        scenario=_scenario(grammar, cell, persona, draw, expander),
    )


def _persona(grammar: Grammar, cell: Cell, draw: random.Random, expander: Expander) -> Persona:
    age, work, home = _life(grammar, cell, draw)
    background = draw.choice(grammar.people.backgrounds)
    group = draw.choices(list(_GENDER_WEIGHTS), list(_GENDER_WEIGHTS.values()))[0]
    weights = grammar.scenarios.readiness_weights
    diagram, distortions = _diagram(cell, draw, expander)
    return Persona(
        name=draw.choice(_names(background, group)),
        age=age,
        gender=GENDERS[group],
        culture=background.culture,
        occupation=work.title,
        household=home.text,
        problem=cell.problem.problem,
        presenting_problem=expander.fill(cell.case.presenting),
        history=_history(cell.problem, age, draw, expander),
        diagram=diagram,
        distortions=distortions,
        style=cell.style,
        readiness=draw.choices(list(weights), list(weights.values()))[0],
        goals=expander.some(cell.problem.goals, draw.choice((1, 2, 2))),
        risk=cell.risk,
        risk_statement=_risk_statement(cell, expander),
    )


def _names(background: Background, group: str) -> tuple[str, ...]:
    named: dict[str, tuple[str, ...]] = {
        "women": background.women,
        "men": background.men,
        "nonbinary": background.nonbinary,
    }
    return named[group]


def _life(grammar: Grammar, cell: Cell, draw: random.Random) -> tuple[int, Occupation, Household]:
    """Draw age, work and household until they fit the case and each other."""
    people, case, problem = grammar.people, cell.case, cell.problem
    works = [one for one in people.occupations if not case.work or {*case.work} & {*one.tags}]
    homes = [
        one
        for one in people.households
        if (not case.home or {*case.home} & {*one.tags}) and not {*problem.not_home} & {*one.tags}
    ]
    for _ in range(_TRIES if works and homes else 0):
        work, home = draw.choice(works), draw.choice(homes)
        limits = (work.ages, home.ages, case.ages, problem.ages)
        youngest, oldest = max(low for low, _ in limits), min(high for _, high in limits)
        at_home_without = "home" in work.tags and "children" not in home.tags
        if youngest <= oldest and not at_home_without:
            return draw.randint(youngest, oldest), work, home
    raise PackError(
        "no life in people.yaml fits the case",
        where=f"casting/{problem.problem}.yaml: {case.key}",
        expected=f"work tagged {case.work or 'any'} and a household tagged {case.home or 'any'}",
        got="none whose ages overlap",
        mend="Add such a life to people.yaml, or ask less of it in the case.",
    )


def _diagram(
    cell: Cell, draw: random.Random, expander: Expander
) -> tuple[CognitiveConceptualization, tuple[str, ...]]:
    """Return the diagram, the planned thought first, and the distortions its thoughts show."""
    problem, case = cell.problem, cell.case
    others = [thought for thought in case.thoughts if thought != cell.thought]
    thoughts = [cell.thought, *draw.sample(others, draw.choice((1, 2, 2)))]
    beliefs = draw.choice(problem.beliefs)
    diagram = CognitiveConceptualization(
        situation=expander.fill(case.situation),
        automatic_thoughts=tuple(expander.fill(thought.text) for thought in thoughts),
        emotions=expander.some(problem.emotions, draw.choice((2, 3))),
        behaviours=expander.some(case.behaviours, draw.choice((2, 3))),
        intermediate_beliefs=expander.some(beliefs.rules, 2),
        core_beliefs=expander.some(beliefs.core, draw.choice((1, 2))),
        coping=expander.some(problem.coping, 2),
    )
    return diagram, tuple(dict.fromkeys(thought.distortion for thought in thoughts))


def _history(problem: Problem, age: int, draw: random.Random, expander: Expander) -> str:
    aged = [Aged(text=one) if isinstance(one, str) else one for one in problem.history]
    return expander.fill(draw.choice(_of_age(aged, age) or aged).text)


def _of_age(choices: Sequence[A], age: int) -> list[A]:
    return [one for one in choices if one.ages[0] <= age <= one.ages[1]]


def _risk_statement(cell: Cell, expander: Expander) -> str:
    risk = cell.problem.risk
    if risk is None or cell.risk is RiskLevel.NONE:
        return ""
    return expander.one(risk.hinted if cell.risk is RiskLevel.HINTED else risk.stated)


def _scenario(
    grammar: Grammar, cell: Cell, persona: Persona, draw: random.Random, expander: Expander
) -> Scenario:
    plans = grammar.scenarios
    phase = draw.choices(plans.phases, [one.weight for one in plans.phases])[0]
    topic = expander.fill(cell.case.topic)
    opening = draw.choice(plans.agenda["opening"]).replace("{topic}", topic)
    obstacles = [plans.readiness[persona.readiness], draw.choice(plans.obstacles[persona.style])]
    return Scenario(
        session_number=draw.randint(*phase.sessions),
        phase=phase.key,
        technique=cell.technique,
        agenda=(opening, expander.one(plans.agenda[phase.key])),
        homework_from_last_time=expander.one(plans.homework[phase.key]),
        obstacle="; ".join(text for text in obstacles if text),
    )
