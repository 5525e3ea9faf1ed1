from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest

from campaigns.casting.grammar import load_grammar
from campaigns.plan import plan_bytes, plan_campaign
from domain.persona import RiskLevel, Style
from domain.settings import CampaignSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.pack import Pack
    from domain.scenario import PlanItem


def plan_of(pack: Pack, sessions: int, seed: int = 7) -> list[PlanItem]:
    campaign = CampaignSettings(sessions=sessions)
    return plan_campaign(Settings(name="trial", seed=seed, campaign=campaign), pack)


@pytest.fixture(scope="module")
def plan(pack: Pack) -> list[PlanItem]:
    return plan_of(pack, 500)


def quotable(item: PlanItem) -> Iterator[str]:
    diagram = item.persona.diagram
    yield diagram.situation
    for texts in (
        diagram.automatic_thoughts,
        diagram.emotions,
        diagram.behaviours,
        diagram.intermediate_beliefs,
        diagram.core_beliefs,
        diagram.coping,
        item.persona.goals,
    ):
        yield from texts


def test_the_first_32_cover_the_taxonomies(pack: Pack, plan: list[PlanItem]) -> None:
    first = plan[:32]
    assert {item.persona.style for item in first} == set(Style)
    assert {item.persona.problem for item in first} == set(pack.taxonomies["problems"].keys)
    assert {item.scenario.technique for item in first} == set(pack.taxonomies["techniques"].keys)
    assert {name for item in first for name in item.persona.distortions} == set(
        pack.taxonomies["distortions"].keys
    )


def test_a_longer_plan_begins_with_the_shorter_one(pack: Pack, plan: list[PlanItem]) -> None:
    assert plan_of(pack, 20) == plan[:20]


def test_another_seed_is_another_cast(pack: Pack, plan: list[PlanItem]) -> None:
    other = plan_of(pack, 20, seed=8)
    assert not {item.persona.id for item in other} & {item.persona.id for item in plan}


def test_500_personas_are_not_alike(plan: list[PlanItem]) -> None:
    assert len({item.persona.diagram for item in plan}) == 500
    assert len({item.persona.diagram.situation for item in plan}) > 400


def test_the_technique_fits_the_first_thoughts_distortion(pack: Pack, plan: list[PlanItem]) -> None:
    fits = load_grammar(pack).fits
    for item in plan:
        assert item.persona.distortions[0] in fits[item.scenario.technique]


def test_one_in_ten_is_at_risk_where_the_problem_allows_it(
    pack: Pack, plan: list[PlanItem]
) -> None:
    allowed = {problem.problem for problem in load_grammar(pack).problems if problem.risk}
    at_risk = [item.persona for item in plan if item.persona.risk is not RiskLevel.NONE]
    assert 48 <= len(at_risk) <= 52
    assert {persona.problem for persona in at_risk} <= allowed
    assert {persona.risk for persona in at_risk} == {RiskLevel.HINTED, RiskLevel.STATED}
    for item in plan:
        assert bool(item.persona.risk_statement) is (item.persona in at_risk)


def test_texts_can_be_quoted_inside_a_sentence(pack: Pack, plan: list[PlanItem]) -> None:
    friends = "|".join(load_grammar(pack).people.slots["friend"])
    for item in plan:
        for text in quotable(item):
            assert re.match(rf"(I|{friends})\b|[a-z]", text)
            assert not text.endswith(".")


def test_nothing_is_left_to_fill_in(plan: list[PlanItem]) -> None:
    filled = plan_bytes(plan).decode()
    assert not re.search(r"\{[^\"\[\]]*\|", filled)
    assert not re.search(r"\{(day|friend|parent|sibling|boss|colleague|topic|lost)\}", filled)


def test_what_the_therapist_is_told_gives_no_belief_away(plan: list[PlanItem]) -> None:
    for item in plan:
        told = " ".join((*item.scenario.agenda, item.scenario.obstacle))
        hidden = (*item.persona.diagram.core_beliefs, *item.persona.diagram.intermediate_beliefs)
        assert not any(belief in told for belief in hidden)
        assert not re.search(r"\b(I|my|me|myself)\b", told)


def test_lives_fit_their_cases(pack: Pack, plan: list[PlanItem]) -> None:
    people = load_grammar(pack).people
    works = {work.title: work for work in people.occupations}
    homes = {home.text: home for home in people.households}
    for item in random.Random(1).sample(plan, 200):
        persona = item.persona
        for low, high in (works[persona.occupation].ages, homes[persona.household].ages):
            assert low <= persona.age <= high
