from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from agents.llm import RoleModel
from agents.retry import Backoff
from domain.call import Role
from domain.case import Case, Kind, Subject
from domain.errors import BudgetReachedError
from domain.record import Origin
from domain.settings import RoleSettings
from graphs.context import JudgeContext
from graphs.judging import judge_cases
from tests.support.cast import turns_of
from tests.support.memory import MemoryJournal
from tests.support.scripted import Asked, Reply, ScriptedEndpoint, says

if TYPE_CHECKING:
    from agents.pack import Pack
    from domain.call import Reservation

pytestmark = pytest.mark.usefixtures("line")

MARKS = {"emotional_reactions": 1, "interpretations": 2, "explorations": 0}


def subject(scenario: str = "s-1", reply: str = "It wore you out?", rival: str = "") -> Subject:
    return Subject(
        kind=Kind.PAIR if rival else Kind.REPLY,
        scenario=scenario,
        origin=Origin.REAL,
        turns=turns_of("How was it?", f"Long, {scenario}."),
        reply=reply,
        rival=rival,
    )


def by_criterion(asked: Asked) -> Reply:
    said: dict[str, object] = {"reason": "As seen.", "quote": "", "score": 2}
    if "Name: Empathy" in asked.messages[0]["content"]:
        said |= {"marks": MARKS, "score": 5}
    return says(json.dumps(said))


def judging(
    pack: Pack, server: ScriptedEndpoint, journal: MemoryJournal, judges: int = 1
) -> JudgeContext:
    panel = [
        RoleModel(
            Role.JUDGE,
            RoleSettings(
                model=f"judge-{number}", base_url=server.base_url, retries=0, patience_s=0
            ),
            journal,
            Backoff(first_s=0),
        )
        for number in range(judges)
    ]
    return JudgeContext(pack=pack, criteria=pack.criteria, judges=tuple(panel), seed=7)


def cases(one: Subject, judges: int = 1, samples: int = 1) -> list[Case]:
    return [
        Case(subject=one, criterion=criterion, judge=judge, sample=sample)
        for criterion in ("empathy", "relevance")
        for judge in range(judges)
        for sample in range(samples)
    ]


async def test_rulings_come_in_the_order_of_the_cases(pack: Pack) -> None:
    asked = [*cases(subject("s-1")), *cases(subject("s-2"))]
    async with ScriptedEndpoint(by_criterion) as server:
        found = await judge_cases(asked, judging(pack, server, MemoryJournal()))
    assert [one.score for one in found] == [5, 2, 5, 2]
    assert found[0].marks == MARKS
    assert len({one.case for one in found}) == 4


async def test_every_judge_and_sample_is_asked_once_under_its_own_seed(pack: Pack) -> None:
    asked = cases(subject(), judges=2, samples=3)
    async with ScriptedEndpoint(by_criterion) as server:
        context = judging(pack, server, MemoryJournal(), judges=2)
        await asyncio.gather(judge_cases(asked, context), judge_cases(asked, context))
    assert len(server.asked) == len(asked) == 12
    assert len({one.body["seed"] for one in server.asked}) == 12
    assert {one.body["model"] for one in server.asked} == {"judge-0", "judge-1"}


async def test_one_malformed_ruling_leaves_the_others(pack: Pack) -> None:
    def half(asked: Asked) -> Reply:
        broken = "Name: Empathy" in asked.messages[0]["content"]
        return says("Two.") if broken else by_criterion(asked)

    async with ScriptedEndpoint(half) as server:
        found = await judge_cases(cases(subject()), judging(pack, server, MemoryJournal()))
    assert [one.score for one in found] == [None, 2]
    assert found[0].failure


async def test_a_pair_is_shown_in_the_order_it_is_given(pack: Pack) -> None:
    first = lambda _: says('{"reason": "So.", "better": "first"}')  # noqa: E731
    pair = subject(reply="It wore you out?", rival="Cheer up.")
    async with ScriptedEndpoint(first) as server:
        (found,) = await judge_cases(
            [Case(subject=pair, criterion="empathy")], judging(pack, server, MemoryJournal())
        )
    assert (found.better, found.score) == ("first", None)
    shown = server.asked[0].messages[1]["content"]
    assert shown.index("It wore you out?") < shown.index("Cheer up.")


async def test_what_is_under_way_when_the_budget_ends_is_recorded(pack: Pack) -> None:
    class Purse(MemoryJournal):
        left = 3

        async def permit(self, call: Reservation) -> None:
            if self.left == 0:
                raise BudgetReachedError("the budget is reached")
            self.left -= 1

    journal = Purse()
    asked = [*cases(subject("s-1")), *cases(subject("s-2"))]
    async with ScriptedEndpoint(by_criterion) as server:
        with pytest.raises(BudgetReachedError):
            await judge_cases(asked, judging(pack, server, journal))
    assert len(server.asked) == 3
    assert len(journal.rows) == 3
