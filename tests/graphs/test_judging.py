from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agents.llm import RoleModel
from agents.retry import Backoff
from domain.call import Role
from domain.record import HeldOutContext, Origin
from domain.settings import RoleSettings
from domain.verdict import Answer
from graphs.context import JudgeContext
from graphs.judging import judge_answer
from tests.support.cast import turns_of
from tests.support.memory import MemoryJournal
from tests.support.scripted import Asked, Reply, ScriptedEndpoint, says

if TYPE_CHECKING:
    from agents.pack import Pack

pytestmark = pytest.mark.usefixtures("line")

CONTEXT = HeldOutContext(
    record_id="record-1",
    topic="work",
    group="g",
    origin=Origin.REAL,
    turns=turns_of("How was it?", "Long."),
    reference="It wore you out.",
)


def answer(variant: str, text: str = "It wore you out?") -> Answer:
    return Answer(scenario_id=CONTEXT.id, variant=variant, text=text, call="c")


def by_criterion(asked: Asked) -> Reply:
    score = 5 if "Name: Empathy" in asked.messages[0]["content"] else 2
    return says(f'{{"reason": "As seen.", "quote": "", "score": {score}}}')


def judging(pack: Pack, server: ScriptedEndpoint, journal: MemoryJournal) -> JudgeContext:
    settings = RoleSettings(model="judge", base_url=server.base_url, retries=0, patience_s=0)
    judge = RoleModel(Role.JUDGE, settings, journal, Backoff(first_s=0))
    return JudgeContext(pack=pack, criteria=("empathy", "relevance"), judge=judge, seed=7)


async def test_verdicts_come_in_the_order_of_the_criteria(pack: Pack) -> None:
    async with ScriptedEndpoint(by_criterion) as server:
        verdicts = await judge_answer(
            CONTEXT, answer("hybrid"), judging(pack, server, MemoryJournal())
        )
    assert [(v.criterion, v.score) for v in verdicts] == [("empathy", 5), ("relevance", 2)]
    assert {v.variant for v in verdicts} == {"hybrid"}
    assert {v.scenario_id for v in verdicts} == {CONTEXT.id}


async def test_the_same_answer_of_two_models_is_judged_once(pack: Pack) -> None:
    journal = MemoryJournal()
    async with ScriptedEndpoint(by_criterion) as server:
        context = judging(pack, server, journal)
        one, other = await asyncio.gather(
            judge_answer(CONTEXT, answer("base"), context),
            judge_answer(CONTEXT, answer("hybrid"), context),
        )
    assert len(server.asked) == 2
    assert [v.score for v in one] == [v.score for v in other]
    judged = answer("base").judged_id
    assert sorted(asked.call for asked in server.asked) == [f"{judged}/0/0/0", f"{judged}/0/1/0"]


async def test_one_malformed_verdict_leaves_the_other(pack: Pack) -> None:
    def half(asked: Asked) -> Reply:
        return (
            says("Two.") if "Name: Empathy" in asked.messages[0]["content"] else by_criterion(asked)
        )

    async with ScriptedEndpoint(half) as server:
        verdicts = await judge_answer(
            CONTEXT, answer("base"), judging(pack, server, MemoryJournal())
        )
    assert [v.score for v in verdicts] == [None, 2]
    assert verdicts[0].failure
