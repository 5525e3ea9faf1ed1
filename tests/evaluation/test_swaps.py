"""Pairs in both orders and replies of the judge's own model, with a panel that follows a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agents.pack import load_pack
from domain.case import Kind, Ruling
from domain.progress import silent
from domain.runfolder import RunFolder
from domain.settings import RoleSettings, Settings
from domain.verdict import Answer
from evaluation.certificate.bases import Base
from evaluation.certificate.item import JudgeItem
from evaluation.certificate.selfish import self_preference
from evaluation.certificate.swaps import swaps
from evaluation.certificate.twins import trials_of
from evaluation.pairs import outcome, pairwise_round
from evaluation.panel import Panel
from tests.evaluation.invented_run import context

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from domain.case import Case
    from domain.progress import Progress


class Ruled(Panel):
    """A panel whose rulings follow a rule; it keeps what it was asked."""

    asked: list[Case]
    by: Callable[[Case], Ruling]

    def rule(self, cases: Sequence[Case], progress: Progress, stage: str) -> list[Ruling]:
        self.asked.extend(cases)
        return [self.by(case) for case in cases]


def panel(tmp_path: Path, by: Callable[[Case], Ruling], judges: int = 1) -> Ruled:
    settings = Settings.model_validate(
        {"name": "t", "evaluation": {"pairwise": {"scenarios": 2}}, "engine": {"kind": "inline"}}
    )
    pack = load_pack("cbt")
    panel = tuple(RoleSettings(model=f"judge-{n}") for n in range(judges))
    made = Ruled(settings, pack, RunFolder(tmp_path), panel, pack.criteria)
    object.__setattr__(made, "asked", [])
    object.__setattr__(made, "by", by)
    return made


def bases() -> list[Base]:
    return [
        Base(
            item=JudgeItem(context=context(n, "It was hard."), text=f"Reply {n}, I hear you."),
            sound=True,
        )
        for n in range(24)
    ]


def says(better: str = "", score: int | None = None) -> Ruling:
    return Ruling(case="c", better=better, score=score, call="c/0/0/0")


def test_a_judge_that_takes_the_first_is_never_consistent(tmp_path: Path) -> None:
    made = panel(tmp_path, lambda _: says("first"))
    found = swaps(made, trials_of(bases(), 1), silent, 1)["empathy"]
    assert found.consistent.value == 0
    assert (found.turned, found.first) == (48, 48)
    assert found.worse_loses.value == 0
    assert found.padded_ties == 24
    kinds = {case.subject.kind for case in made.asked}
    assert kinds == {Kind.PAIR}


def test_a_judge_that_knows_the_original_is_consistent_and_prefers_it(tmp_path: Path) -> None:
    known = {base.item.text for base in bases()}
    made = panel(tmp_path, lambda case: says("first" if case.subject.reply in known else "second"))
    found = swaps(made, trials_of(bases(), 1), silent, 1)["relevance"]
    # of a pair with another scenario's reply both are known: only those depend on the order
    assert found.plain_better == 24
    assert (found.padded_better, found.unread) == (0, 0)
    assert found.consistent.value is not None
    assert found.consistent.value > 0.8


@pytest.mark.parametrize(
    ("forward", "backward", "winner"),
    [("first", "second", "a"), ("second", "first", "b"), ("first", "first", "tie"),
     ("tie", "tie", "tie"), ("tie", "second", "tie")],
)  # fmt: skip
def test_an_answer_that_depends_on_the_order_is_a_tie(
    tmp_path: Path, forward: str, backward: str, winner: str
) -> None:
    shown = iter([forward, backward] * 2)
    made = panel(tmp_path, lambda _: says(next(shown)))
    contexts = [context(n, "Hard.") for n in range(3)]
    answers = [
        Answer(scenario_id=one.id, variant=name, text=f"{name} says", call="c")
        for one in contexts
        for name in ("a", "b")
    ]
    found = pairwise_round(made, contexts, answers, silent)
    assert [one.winner for one in found] == [winner] * 2  # two of three scenarios are compared
    assert found[0].swapped is (outcome("a", "b", says(forward), says(backward))["forward"]
                                != found[0].backward)  # fmt: skip


def test_equal_replies_are_a_tie_and_missing_ones_none(tmp_path: Path) -> None:
    made = panel(tmp_path, lambda _: says("first"))
    here = context(1, "Hard.")
    said = Answer(scenario_id=here.id, variant="a", text="Same.", call="c")
    lost = Answer(scenario_id=here.id, variant="c", text="", call="c", failure="timeout")
    found = pairwise_round(
        made, [here], [said, said.model_copy(update={"variant": "b"}), lost], silent
    )
    assert [one.winner for one in found] == ["tie", None, None]
    assert not made.asked


@pytest.mark.parametrize("judges", [1, 2])
def test_a_judge_that_loves_its_own_replies_is_shown_to(tmp_path: Path, judges: int) -> None:
    from aiohttp import web

    from tests.support.threaded import ThreadedServer

    async def speak(request: web.Request) -> web.Response:
        message = {"role": "assistant", "content": "My own words, they are the best."}
        return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}]})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", speak)

    def by(case: Case) -> Ruling:
        own = case.subject.reply.startswith("My own")
        return says(score=5 if own and case.judge == 0 else 3)

    made = panel(tmp_path, by, judges)
    with ThreadedServer(app) as server:
        url = {"base_url": f"{server.url}/v1", "trusted_for_real": True}
        role = made.settings.roles.judge.model_copy(update=url)
        roles = made.settings.roles.model_copy(update={"judge": role})
        object.__setattr__(made, "settings", made.settings.model_copy(update={"roles": roles}))
        found = self_preference(made, bases(), silent, 1)
    assert found.difference["empathy"].value == 2
    assert found.others == judges - 1
    assert bool(found.note) is (judges == 1)
    if judges == 2:
        assert found.excess["empathy"].value == 2
