"""Personas and scenarios, drawn from the pack's casting grammar.

What belongs together is drawn together: the situation brings its thoughts and behaviours, core
beliefs bring their rules, and the life fits the situation.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Protocol, TypeVar

from campaigns.casting.expansion import Expander
from campaigns.casting.grammar import GENDERS, Aged
from domain.base import seed_of
from domain.persona import CognitiveConceptualization, Persona, RiskLevel
from domain.scenario import PlanItem, Scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

    from campaigns.casting.deal import Cell
    from campaigns.casting.grammar import Background, Grammar, Problem

_GROUPS = {gender: group for group, gender in GENDERS.items()}


class _Aged(Protocol):
    @property
    def ages(self) -> tuple[int, int]: ...


A = TypeVar("A", bound=_Aged)


def cast_item(grammar: Grammar, cell: Cell, index: int, seed: int) -> PlanItem:
    """Make one plan item that shows what `cell` says.

    Raises:
        PackError: A text names an unknown slot.
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
    life = draw.choice(cell.lives)
    age = draw.randint(life.youngest, life.oldest)
    background = next(one for one in grammar.people.backgrounds if one.name == cell.culture)
    weights = grammar.scenarios.readiness_weights
    diagram, distortions = _diagram(cell, draw, expander)
    return Persona(
        name=draw.choice(_names(background, _GROUPS[cell.gender])),
        age=age,
        gender=cell.gender,
        culture=background.culture,
        occupation=life.work.title,
        household=life.home.text,
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
