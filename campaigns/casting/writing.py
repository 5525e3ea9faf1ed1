"""Personas and scenarios, drawn from the pack's casting grammar.

What belongs together is drawn together: the situation brings its thoughts and behaviours, core
beliefs bring their rules, and the life fits the situation.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Protocol, TypeVar

from campaigns.casting.draw import in_turn, one_of, some_of, weighted
from campaigns.casting.expansion import Expander
from campaigns.casting.grammar import GENDERS
from domain.base import seed_of
from domain.persona import CognitiveConceptualization, Persona, RiskLevel
from domain.scenario import PlanItem, Scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

    from campaigns.casting.deal import Cell
    from campaigns.casting.grammar import Background, Grammar

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
        scenario=_scenario(grammar, cell, persona, expander.fill(cell.case.topic), draw, expander),
    )


def _persona(grammar: Grammar, cell: Cell, draw: random.Random, expander: Expander) -> Persona:
    life = one_of(draw, cell.lives)
    age = draw.randint(life.youngest, life.oldest)
    background = grammar.people.background(cell.culture)
    weights = grammar.scenarios.readiness_weights
    diagram, distortions = _diagram(cell, draw, expander)
    return Persona(
        name=one_of(draw, _names(background, _GROUPS[cell.gender])),
        age=age,
        gender=cell.gender,
        culture=background.culture,
        occupation=life.work.title,
        household=life.home.text,
        problem=cell.problem.problem,
        presenting_problem=expander.fill(cell.case.presenting),
        history=_history(cell, age, expander),
        diagram=diagram,
        distortions=distortions,
        style=cell.style,
        readiness=weighted(draw, list(weights), list(weights.values())),
        goals=expander.some(cell.problem.goals, one_of(draw, (1, 2, 2))),
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
    others = [thought for thought in case.thoughts if thought is not cell.thought]
    thoughts = [cell.thought, *some_of(draw, others, one_of(draw, (1, 2, 2)))]
    # Step by step apart from the histories, so that the two meet anew as long as they can.
    beliefs = in_turn(problem.beliefs, cell.turn + cell.turn // len(problem.history))
    diagram = CognitiveConceptualization(
        situation=expander.fill(case.situation),
        automatic_thoughts=tuple(expander.fill(thought.text) for thought in thoughts),
        emotions=expander.some(problem.emotions, one_of(draw, (2, 3))),
        behaviours=expander.some(case.behaviours, one_of(draw, (2, 3))),
        intermediate_beliefs=expander.some(beliefs.rules, 2),
        core_beliefs=expander.some(beliefs.core, one_of(draw, (1, 2))),
        coping=expander.some(problem.coping, 2),
    )
    return diagram, tuple(dict.fromkeys(thought.distortion for thought in thoughts))


def _history(cell: Cell, age: int, expander: Expander) -> str:
    """Tell the history whose turn it is."""
    every = cell.problem.history
    return expander.fill(in_turn(_of_age(every, age) or every, cell.turn).text)


def _of_age(choices: Sequence[A], age: int) -> list[A]:
    return [one for one in choices if one.ages[0] <= age <= one.ages[1]]


def _risk_statement(cell: Cell, expander: Expander) -> str:
    risk = cell.problem.risk
    if risk is None or cell.risk is RiskLevel.NONE:
        return ""
    return expander.one(risk.hinted if cell.risk is RiskLevel.HINTED else risk.stated)


def scenario_of(
    grammar: Grammar, cell: Cell, persona: Persona, index: int, seed: int, topic: str
) -> Scenario:
    """Plan the session of a persona that was written elsewhere.

    Raises:
        PackError: A text names an unknown slot.
    """
    draw = random.Random(seed_of(seed, "scenario", index))
    return _scenario(grammar, cell, persona, topic, draw, Expander(grammar.people.slots, draw))


def _scenario(
    grammar: Grammar,
    cell: Cell,
    persona: Persona,
    topic: str,
    draw: random.Random,
    expander: Expander,
) -> Scenario:
    plans = grammar.scenarios
    phase = weighted(draw, plans.phases, [one.weight for one in plans.phases])
    opening = one_of(draw, plans.agenda["opening"]).replace("{topic}", topic)
    obstacles = [plans.readiness[persona.readiness], one_of(draw, plans.obstacles[persona.style])]
    return Scenario(
        session_number=draw.randint(*phase.sessions),
        phase=phase.key,
        technique=cell.technique,
        agenda=(opening, expander.one(plans.agenda[phase.key])),
        homework_from_last_time=expander.one(plans.homework[phase.key]),
        obstacle="; ".join(text for text in obstacles if text),
    )
