"""A cast that a model writes: recorded, resumed, compared at each round's end, budgeted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from agents.caster import TOO_LIKE, persona_text
from campaigns.bill import bill_of
from campaigns.castfile import read_cast
from campaigns.casting.company import FIRST_ROUND
from campaigns.casting.deal import quota_of
from campaigns.casting.fitness import fitness_of
from campaigns.casting.grammar import load_grammar
from campaigns.casting.kin import Kin
from campaigns.plan import read_plan
from campaigns.run import cast_only, run_campaign
from campaigns.status import campaign_status
from domain.cast import MadeBy
from domain.errors import BudgetReachedError, InterruptedRunError
from domain.progress import silent
from domain.runfolder import RunFolder
from domain.settings import Settings
from engine.clock import RunClock
from engine.ledger.store import Store
from tests.support.threaded import ThreadedServer
from understudy.faults import FaultSettings
from understudy.handlers import Understudy
from understudy.requestlog import RequestLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agents.pack import Pack

PERSONAS = 30


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "requests.jsonl"


@pytest.fixture(scope="module")
def understudy(log: Path) -> Iterator[str]:
    with ThreadedServer(Understudy(FaultSettings(), RequestLog(log), None).app()) as server:
        yield f"{server.url}/v1"


def settings(url: str, **campaign: object) -> Settings:
    return Settings.model_validate(
        {
            "name": "trial",
            "seed": 5,
            "endpoint": {"base_url": url},
            "engine": {"kind": "inline"},
            "campaign": {
                "sessions": PERSONAS,
                "exchanges": 3,
                "revisions": 0,
                "casting": {"by": "model"},
                **campaign,
            },
        }
    )


def nothing() -> None:
    """What a run is told when nothing stands in its way."""


@pytest.fixture(scope="module")
def cast(understudy: str, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = RunFolder(tmp_path_factory.mktemp("cast"))
    cast_only(settings(understudy), folder, silent, nothing)
    return folder


def test_every_place_of_the_plan_has_a_persona_of_its_cell(cast: RunFolder, pack: Pack) -> None:
    members = read_cast(cast.cast)
    assert len(members) == PERSONAS
    assert {member.made_by for member in members} <= {MadeBy.MODEL, MadeBy.FALLBACK}
    assert sum(member.made_by is MadeBy.MODEL for member in members) >= PERSONAS - 2
    plan = read_plan(cast.plan)
    assert [item.persona for item in plan] == [member.persona for member in members]
    quota = quota_of(load_grammar(pack), settings("http://x").campaign.casting)
    fit = fitness_of(quota, plan)
    assert fit.met
    assert not fit.unknown


def test_what_is_too_like_somebody_is_asked_for_again(cast: RunFolder) -> None:
    """The understudy copies an example now and then, as models do."""
    store = Store(cast.casting)
    answers = store.totals().calls
    assert answers > PERSONAS
    kin = Kin()
    for member in read_cast(cast.cast):
        assert kin.nearest(persona_text(member.persona))[1] < TOO_LIKE
        kin.add(persona_text(member.persona))


def test_a_stop_while_casting_changes_nothing_and_nothing_is_paid_twice(
    understudy: str, cast: RunFolder, tmp_path: Path, log: Path
) -> None:
    folder = RunFolder(tmp_path)
    log.write_text("")
    with pytest.raises(BudgetReachedError):
        cast_only(settings(understudy, budget={"calls": 20}), folder, silent, nothing)
    assert not folder.plan.is_file()
    assert campaign_status(folder).summary.finished == 0
    summary = run_campaign(settings(understudy), folder, silent, resume=True)
    assert folder.cast.read_bytes() == cast.cast.read_bytes()
    assert folder.plan.read_bytes() == cast.plan.read_bytes()
    asked = [json.loads(line)["call"] for line in log.read_text().splitlines()]
    assert len(asked) == len(set(asked))
    status = campaign_status(folder)
    assert status.summary.finished == PERSONAS
    casting, playing = Store(folder.casting).totals(), Store(folder.ledger).totals()
    assert summary.calls == status.summary.calls == playing.calls + casting.calls
    assert summary.tokens == status.summary.tokens


def test_a_deadline_is_one_for_all_rounds_of_casting(
    understudy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = iter((0.0, 3601.0))
    monkeypatch.setattr(RunClock, "passed_s", property(lambda _: next(passed)))
    folder = RunFolder(tmp_path)
    with pytest.raises(BudgetReachedError, match="deadline"):
        cast_only(settings(understudy, budget={"deadline_s": 3600}), folder, silent, nothing)
    assert FIRST_ROUND <= Store(folder.casting).totals().calls < PERSONAS


def test_casting_is_cancelled_from_another_terminal(understudy: str, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)

    def cancel(stage: str, done: int, total: int, note: str = "") -> None:
        if stage == "personas":
            folder.cancel.touch()

    with pytest.raises(InterruptedRunError):
        cast_only(settings(understudy, sessions=3000), folder, cancel, nothing)
    assert not folder.plan.is_file()


def test_casting_and_playing_share_one_budget(understudy: str, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with pytest.raises(BudgetReachedError):
        run_campaign(settings(understudy, budget={"calls": 60}), folder, silent)
    calls = Store(folder.casting).totals().calls + Store(folder.ledger).totals().calls
    assert PERSONAS <= Store(folder.casting).totals().calls < calls <= 60


def test_the_bill_counts_the_calls_that_cast(understudy: str, tmp_path: Path) -> None:
    folder, asked = RunFolder(tmp_path), settings(understudy, sessions=4, exchanges=8, revisions=2)
    summary = run_campaign(asked, folder, silent)
    bill = bill_of(folder, asked)
    assert bill.accepted == summary.accepted > 0
    status = campaign_status(folder, asked)
    assert bill.spent_tokens_each == status.tokens_per_accepted
    assert bill.spent_usd_each == status.usd_per_accepted
    casting, playing = Store(folder.casting).totals(), Store(folder.ledger).totals()
    assert casting.tokens > 0
    assert bill.spent_tokens_each * bill.accepted == pytest.approx(playing.tokens + casting.tokens)
    assert bill.priced
    assert asked.roles.caster is not None
    strange = asked.roles.caster.model_copy(update={"model": "nobody-knows"})
    roles = asked.roles.model_copy(update={"caster": strange})
    unpriced = asked.model_copy(update={"roles": roles})
    assert not bill_of(folder, unpriced).priced
    assert campaign_status(folder, unpriced).unpriced == ("nobody-knows",)
