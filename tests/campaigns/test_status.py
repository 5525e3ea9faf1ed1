from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from io import StringIO
from typing import TYPE_CHECKING

import orjson
import pytest
from rich.console import Console

from agents.pack import load_pack
from campaigns.bill import bill_of, session_bill
from campaigns.cancel import cancel_campaign
from campaigns.manifest import begin_casting, manifest_of
from campaigns.run import run_campaign
from campaigns.status import State, campaign_status
from domain.call import CallResult, Outcome
from domain.errors import BudgetReachedError, ConfigError, ExitCode, RehearsalError
from domain.price import Price
from domain.progress import silent
from domain.runfolder import RunFolder
from domain.session import Session
from domain.settings import BudgetSettings
from engine.ledger.store import Store
from engine.live import LiveState, read_live
from engine.lock import RunLock
from engine.spending.prices import price_of, shipped
from rehearsal.watch import cost, status_table
from rehearsal.wording import short
from tests.campaigns.conftest import KEY_ENV
from tests.support.second_endpoint import KEY, MODEL

if TYPE_CHECKING:
    from pathlib import Path

    from campaigns.status import CampaignStatus
    from domain.settings import Settings
    from tests.campaigns.conftest import Stage

PRICE = Price(prompt=1.0, cached=0.1, completion=4.0)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "a run with spaces")


def priced(settings: Settings) -> Settings:
    return settings.model_copy(update={"prices": {MODEL: PRICE}})


def test_status_counts_what_the_sessions_say(stage: Stage, folder: RunFolder) -> None:
    settings = priced(stage.settings(8))
    summary = run_campaign(settings, folder, silent)
    status = campaign_status(folder, settings)
    assert status.state is State.FINISHED
    found = status.summary
    assert (found.accepted, found.rejected) == (summary.accepted, summary.rejected)
    assert (found.calls, found.tokens) == (summary.calls, summary.tokens)
    assert sum(status.rejected_by.values()) == found.rejected
    assert all(status.rejected_by)
    assert status.usd > 0
    assert not status.unpriced
    assert status.now is not None
    assert not status.now.stale
    assert status.now.outcomes == {"ok": found.calls}


def test_tokens_that_nobody_reports_are_marked_as_estimated(
    stage: Stage, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage.endpoint, "reports_usage", False)
    settings = priced(stage.settings(4))
    summary = run_campaign(settings, folder, silent)
    status = campaign_status(folder, settings)
    assert summary.tokens == status.summary.tokens == 0
    assert summary.estimated_tokens == status.estimated_tokens
    assert status.estimated_tokens > 0
    with Console(width=80, file=StringIO(), record=True) as screen:
        screen.print(status_table(status))
    shown = screen.export_text()
    assert f"{short(status.estimated_tokens)} of them estimated" in shown
    bill = bill_of(folder, settings)
    assert 0 < bill.estimated_tokens_each == bill.tokens_each
    assert 0 < bill.cacheable_least <= bill.cacheable_share <= bill.shared_share < 1


def test_tokens_that_are_reported_are_not_estimates(stage: Stage, folder: RunFolder) -> None:
    settings = stage.settings(2)
    run_campaign(settings, folder, silent)
    bill = bill_of(folder, settings)
    assert bill.tokens_each > 0
    assert bill.estimated_tokens_each == 0


def test_dollars_need_a_price_for_every_model(stage: Stage, folder: RunFolder) -> None:
    settings = stage.settings(2, budget={"usd": 5})
    with pytest.raises(ConfigError, match="price of every model") as refused:
        run_campaign(settings, folder, silent)
    assert "prices:" in refused.value.fields()["mend"]
    assert not folder.plan.exists()
    assert campaign_costs(stage, priced(settings), folder) <= 5


def campaign_costs(stage: Stage, settings: Settings, folder: RunFolder) -> float:
    run_campaign(settings, folder, silent)
    return campaign_status(folder, settings).usd


def test_a_budget_in_dollars_is_kept_and_a_new_one_goes_on(stage: Stage, folder: RunFolder) -> None:
    with pytest.raises(BudgetReachedError, match="budget is reached"):
        run_campaign(priced(stage.settings(budget={"usd": 0.02})), folder, silent)
    status = campaign_status(folder, priced(stage.settings()))
    assert status.state is State.STOPPED
    assert 0 < status.usd <= 0.02
    run_campaign(priced(stage.settings()), folder, silent, resume=True)
    assert set(stage.asked.values()) == {1}


def shown(status: CampaignStatus) -> str:
    with Console(width=200, file=StringIO(), record=True) as screen:
        screen.print(status_table(status))
    return screen.export_text()


def test_failures_are_those_of_all_runs(stage: Stage, folder: RunFolder) -> None:
    """The live file knows the failures of its own run only, and calls came from the ledger."""
    settings = stage.settings(4)
    stage.dies_after = 20
    with suppress(RehearsalError):
        run_campaign(settings, folder, silent)
    failed = campaign_status(folder, settings).failed_by
    assert failed.get("connection", 0) > 0
    assert "ok" not in failed
    stage.dies_after = None
    run_campaign(settings, folder, silent, resume=True)
    status = campaign_status(folder, settings)
    assert status.failed_by["connection"] >= failed["connection"]
    assert "failed: " in shown(status)


def test_no_more_are_in_flight_than_are_unfinished(stage: Stage, folder: RunFolder) -> None:
    """The ledger is read after the live file was written, and sessions end in between."""
    settings = stage.settings(4, budget={"calls": 60})
    with suppress(BudgetReachedError):
        run_campaign(settings, folder, silent)
    live = LiveState.model_validate_json(folder.live.read_bytes())
    late = live.model_copy(update={"over": False, "in_flight": 99})
    folder.live.write_text(late.model_dump_json())
    with RunLock(folder.lock):
        status = campaign_status(folder, settings)
    assert status.now is not None
    assert status.now.in_flight + status.summary.finished <= 4


def test_an_early_acceptance_says_of_how_many_it_is(stage: Stage, folder: RunFolder) -> None:
    run_campaign(stage.settings(4), folder, silent)
    status = campaign_status(folder)
    assert "of 4 judged" in shown(status)
    assert "so far" not in shown(status)
    with RunLock(folder.lock):
        assert "those that are revised end later" in shown(campaign_status(folder))


def test_a_cost_that_nobody_knows_is_not_nothing(stage: Stage, folder: RunFolder) -> None:
    run_campaign(stage.settings(2), folder, silent)
    assert cost(campaign_status(folder)) == "?"
    assert "$0.00" not in shown(campaign_status(folder))
    assert cost(campaign_status(folder, priced(stage.settings(2)))).startswith("$")


def test_a_request_that_was_never_answered_is_no_beginning_in_a_cache(
    stage: Stage, folder: RunFolder
) -> None:
    settings = stage.settings(2)
    run_campaign(settings, folder, silent)
    store = Store(folder.ledger)
    ((name, rows), *_) = store.iter_calls(store.labels())
    session = Session.model_validate_json(store.result(name) or b"")
    clean = session_bill(session, rows, {}, {})
    nobody = CallResult(outcome=Outcome.CONNECTION)
    failed = [row.model_copy(update={"result": nobody}) for row in rows]
    twice = [each for pair in zip(failed, rows, strict=True) for each in pair]
    assert session_bill(session, twice, {}, {}).cacheable_tokens == clean.cacheable_tokens


def test_a_run_that_is_being_started_is_not_told_by_the_one_before(
    stage: Stage, folder: RunFolder
) -> None:
    """Ray takes its time: until the new run writes, the live file is that of the old one."""
    settings = stage.settings(4)
    with_budget = settings.campaign.model_copy(update={"budget": BudgetSettings(calls=6)})
    with pytest.raises(BudgetReachedError):
        run_campaign(settings.model_copy(update={"campaign": with_budget}), folder, silent)
    assert campaign_status(folder, settings).now is not None
    with RunLock(folder.lock):
        status = campaign_status(folder, settings)
    assert status.state is State.RUNNING
    assert status.now is None


def test_what_is_held_is_running_even_where_it_was_finished(
    stage: Stage, folder: RunFolder
) -> None:
    run_campaign(stage.settings(2), folder, silent)
    with RunLock(folder.lock):  # a resume that plays again what nobody answered
        assert campaign_status(folder).state is State.RUNNING
    assert campaign_status(folder).state is State.FINISHED


def test_a_cast_that_was_stopped_half_way_is_no_cast(stage: Stage, folder: RunFolder) -> None:
    begin_casting(folder, manifest_of(stage.settings(4), load_pack("cbt"), ""))
    assert campaign_status(folder).state is State.STOPPED
    run_campaign(stage.settings(4), folder, silent, resume=True)
    assert campaign_status(folder).state is State.FINISHED


def test_the_bill_of_the_accepted(stage: Stage, folder: RunFolder) -> None:
    settings = priced(stage.settings(8))
    run_campaign(settings, folder, silent)
    bill = bill_of(folder, settings)
    assert bill.looked_at == bill.accepted > 0
    assert bill.priced
    assert bill.tokens_each > 0
    assert bill.usd_each > 0
    assert 0 < bill.cacheable_least <= bill.cacheable_share <= bill.shared_share < 1
    assert 0 <= bill.saved_share < 1
    assert bill_of(folder, settings, at_most=1).looked_at == 1


def test_cancel_drains_from_another_process(
    stage: Stage, folder: RunFolder, repository: Path, tmp_path: Path
) -> None:
    stage.latency_s = 0.05
    settings = stage.settings(20)
    driver = subprocess.Popen(  # noqa: S603 - our own module
        [
            sys.executable,
            "-m",
            "tests.campaigns.drive",
            str(folder.root),
            settings.model_dump_json(),
        ],
        cwd=repository,
        stderr=subprocess.DEVNULL,
        env={**os.environ, KEY_ENV: KEY},
    )
    while len(stage.asked) < 10:
        assert driver.poll() is None, "the driver ended too early"
        time.sleep(0.01)
    running = campaign_status(folder)
    assert running.state is State.RUNNING
    cancelled = cancel_campaign(folder, wait_s=60)
    assert driver.wait() != ExitCode.DONE
    assert cancelled.was_running
    assert cancelled.status.state is State.STOPPED
    assert not folder.cancel.exists()
    assert cancelled.status.summary.calls == len(stage.asked)
    assert not cancel_campaign(folder, wait_s=1).was_running
    stage.latency_s = 0
    assert run_campaign(settings, folder, silent, resume=True).finished == 20
    assert set(stage.asked.values()) == {1}


def test_the_live_file_holds_no_key(stage: Stage, folder: RunFolder) -> None:
    run_campaign(stage.settings(2), folder, silent)
    assert KEY.encode() not in folder.live.read_bytes()
    found = read_live(folder.live)
    assert found is not None
    assert found[0].over
    assert [one.base_url for one in found[0].endpoints] == [f"{stage.url}/v1"]


def test_a_broken_live_file_is_none(tmp_path: Path) -> None:
    (tmp_path / "live.json").write_bytes(b"{")
    assert read_live(tmp_path / "live.json") is None


def test_every_shipped_price_names_its_source() -> None:
    for name, price in shipped().models.items():
        assert price.source, name
        assert price.seen <= shipped().date, name
        assert price.cached <= price.prompt, name


def test_a_runs_own_price_goes_first() -> None:
    assert price_of("gpt-6-luna", {"gpt-6-luna": PRICE}) == PRICE
    assert price_of("gpt-6-luna-2026-09-22", {}) == price_of("gpt-6-luna", {})
    assert price_of("understudy-therapist:novice", {}) is not None
    assert price_of("house-model-v2", {"house-*": PRICE}) == PRICE
    assert price_of("nobody-knows", {}) is None


@pytest.mark.parametrize(
    ("verb", "unneeded"),
    [
        ("status", {"langchain_openai", "langgraph", "ray", "torch", "transformers", "scipy"}),
        ("run", {"torch", "transformers", "scipy", "sklearn", "matplotlib", "pyarrow"}),
    ],
)
def test_no_verb_waits_for_a_library_that_it_does_not_ask(
    repository: Path, verb: str, unneeded: set[str]
) -> None:
    """They take seconds to import, and memory for as long as a campaign runs."""
    code = f"import sys, campaigns.{verb}; print(*sorted({unneeded} & set(sys.modules)))"
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, cwd=repository, capture_output=True, check=True)  # noqa: S603
    assert found.stdout.split() == []


def test_status_is_json(stage: Stage, folder: RunFolder) -> None:
    run_campaign(stage.settings(2), folder, silent)
    assert orjson.loads(campaign_status(folder).model_dump_json())["state"] == "finished"
