from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from campaigns.manifest import manifest_path
from campaigns.plan import read_plan
from campaigns.planfile import lines_of, read_lines
from campaigns.run import run_campaign
from campaigns.status import State, campaign_status, list_campaigns
from campaigns.trace import list_traces, load_trace
from domain.errors import (
    BudgetReachedError,
    ConfigError,
    EndpointError,
    ResumeRefusedError,
    StoreError,
)
from domain.progress import silent
from domain.runfolder import RunFolder
from domain.session import Session
from domain.settings import Settings
from engine.ledger.store import Store
from engine.lock import RunLock
from tests.campaigns.conftest import KEY_ENV
from tests.support.second_endpoint import KEY, MODEL

if TYPE_CHECKING:
    from pathlib import Path

    from campaigns.summary import CampaignSummary
    from tests.campaigns.conftest import Stage


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "a run with spaces")


def play(settings: Settings, folder: RunFolder, *, resume: bool = False) -> CampaignSummary:
    return run_campaign(settings, folder, silent, resume=resume)


def test_a_campaign_is_played_exported_and_summed_up(stage: Stage, folder: RunFolder) -> None:
    summary = play(stage.settings(), folder)
    lines = folder.sessions.read_bytes().splitlines()
    sessions = [Session.model_validate_json(line) for line in lines]
    assert [session.plan_index for session in sessions] == list(range(6))
    assert summary.finished == summary.planned == 6
    assert summary.quarantined == 0
    assert summary.revisions == sum(len(session.drafts) - 1 for session in sessions)
    assert summary.calls == sum(stage.asked.values())
    assert summary.tokens > 0
    assert set(stage.asked.values()) == {1}


def test_the_same_seed_gives_the_same_bytes(stage: Stage, tmp_path: Path) -> None:
    one, two = RunFolder(tmp_path / "one"), RunFolder(tmp_path / "two")
    play(stage.settings(), one)
    play(stage.settings(), two)
    assert one.sessions.read_bytes() == two.sessions.read_bytes()


@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
def test_ray_gives_the_same_bytes_as_inline(stage: Stage, tmp_path: Path) -> None:
    one, two = RunFolder(tmp_path / "one"), RunFolder(tmp_path / "two, with spaces")
    play(stage.settings(), one)
    play(stage.settings(kind="ray"), two)
    assert one.sessions.read_bytes() == two.sessions.read_bytes()
    assert len(list(two.ledger.glob("*-w[12].sqlite"))) == 2


def test_a_killed_campaign_resumes_to_the_same_bytes(
    stage: Stage, folder: RunFolder, tmp_path: Path, repository: Path
) -> None:
    stage.latency_s = 0.02
    settings = stage.settings()
    driver = subprocess.Popen(  # noqa: S603 - our own module
        [
            sys.executable,
            "-m",
            "tests.campaigns.drive",
            str(folder.root),
            settings.model_dump_json(),
        ],
        cwd=repository,
    )
    while len(stage.asked) < 25:
        assert driver.poll() is None, "the driver ended too early"
        time.sleep(0.01)
    driver.kill()
    driver.wait()
    store = Store(folder.ledger)
    kept = {str(call.key) for session in store.sessions() for call in store.calls(session)}
    assert campaign_status(folder).state is State.STOPPED
    stage.endpoint.asked.clear()
    stage.latency_s = 0
    play(settings, folder, resume=True)
    assert kept
    assert not kept & stage.asked.keys()
    whole = RunFolder(tmp_path / "whole")
    play(settings, whole)
    assert folder.sessions.read_bytes() == whole.sessions.read_bytes()


def test_a_campaign_out_of_budget_goes_on_with_a_new_one(stage: Stage, folder: RunFolder) -> None:
    with pytest.raises(BudgetReachedError):
        play(stage.settings(budget={"calls": 20}), folder)
    assert sum(stage.asked.values()) == 20
    assert not folder.sessions.exists()
    play(stage.settings(), folder, resume=True)
    assert set(stage.asked.values()) == {1}


def test_an_edited_plan_refuses_to_resume(stage: Stage, folder: RunFolder) -> None:
    with pytest.raises(BudgetReachedError):
        play(stage.settings(budget={"calls": 20}), folder)
    first, *rest = folder.plan.read_bytes().splitlines(keepends=True)
    folder.plan.write_bytes(b"".join([first.replace(b'"age":', b'"age": '), *rest]))
    with pytest.raises(ResumeRefusedError) as refused:
        play(stage.settings(), folder, resume=True)
    assert refused.value.where == str(folder.plan)
    assert sum(stage.asked.values()) == 20


def test_the_lines_of_a_plan_name_its_sessions(stage: Stage, folder: RunFolder) -> None:
    play(stage.settings(2), folder)
    items = read_plan(folder.plan)
    assert read_lines(folder.plan).names == tuple(item.session_id for item in items)
    assert lines_of(items).lines == read_lines(folder.plan).lines


def test_an_endpoint_that_dies_stops_the_run_and_costs_no_session(
    stage: Stage, folder: RunFolder, tmp_path: Path
) -> None:
    stage.dies_after = 30
    with pytest.raises(EndpointError, match="no server answers"):
        play(stage.settings(), folder)
    stage.dies_after = None
    assert play(stage.settings(), folder, resume=True).quarantined == 0
    whole = RunFolder(tmp_path / "whole")
    play(stage.settings(), whole)
    assert folder.sessions.read_bytes() == whole.sessions.read_bytes()
    assert load_trace(folder, "0").session is not None


@pytest.mark.parametrize("after", [0, 30])
def test_an_endpoint_that_only_fails_from_some_call_on_stops_the_run(
    stage: Stage, folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """It lists its models all the while: that is no answer to a call."""
    monkeypatch.setattr("engine.limits.silence.LEAST_PATIENCE_S", 1)
    stage.fails_after, stage.retries, stage.patience_s = after, 4, 1.0
    with pytest.raises(EndpointError, match="no call is answered any more") as stopped:
        play(stage.settings(), folder)
    assert "HTTP 500: boom" in stopped.value.got
    assert campaign_status(folder).summary.quarantined == 0
    stage.fails_after = None
    assert play(stage.settings(), folder, resume=True).quarantined == 0
    whole = RunFolder(tmp_path / "whole")
    play(stage.settings(), whole)
    assert folder.sessions.read_bytes() == whole.sessions.read_bytes()


def test_a_model_that_is_taken_off_stops_the_run_and_is_named(
    stage: Stage, folder: RunFolder
) -> None:
    stage.fails_after, stage.fails_as = 30, (404, "The model does not exist")
    with pytest.raises(EndpointError, match="knows the model no more") as stopped:
        play(stage.settings(), folder)
    error = stopped.value
    assert (error.got, error.expected) == (
        "HTTP 404: The model does not exist",
        f"`model` {MODEL} at `base_url` {stage.url}/v1",
    )
    stage.fails_after = None
    assert play(stage.settings(), folder, resume=True).quarantined == 0


def test_an_empty_account_stops_the_run_and_costs_no_session(
    stage: Stage, folder: RunFolder, tmp_path: Path
) -> None:
    stage.broke_after = 30
    with pytest.raises(EndpointError, match="insufficient_quota"):
        play(stage.settings(), folder)
    stage.broke_after = None
    assert play(stage.settings(), folder, resume=True).quarantined == 0
    assert set(stage.asked.values()) == {1}
    whole = RunFolder(tmp_path / "whole")
    play(stage.settings(), whole)
    assert folder.sessions.read_bytes() == whole.sessions.read_bytes()


def test_a_key_that_is_refused_or_not_set_is_named(
    stage: Stage, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.refuses_key = True
    with pytest.raises(EndpointError, match=f"the key in {KEY_ENV} is refused") as refused:
        play(stage.settings(), folder)
    assert "HTTP 401" in refused.value.got
    assert KEY not in str(refused.value)
    monkeypatch.delenv(KEY_ENV)
    with pytest.raises(EndpointError, match=f"{KEY_ENV} is not set"):
        play(stage.settings(), RunFolder(folder.root.with_name("unset")))
    monkeypatch.setenv(KEY_ENV, KEY)
    stage.refuses_key = False
    assert play(stage.settings(), folder, resume=True).quarantined == 0


def test_a_finished_campaign_is_not_overwritten(stage: Stage, folder: RunFolder) -> None:
    play(stage.settings(2), folder)
    with pytest.raises(ConfigError, match="has been finished"):
        play(stage.settings(2), folder)
    before = sum(stage.asked.values())
    assert play(stage.settings(2), folder, resume=True).finished == 2
    assert sum(stage.asked.values()) == before


def test_nothing_to_resume_is_said(stage: Stage, folder: RunFolder) -> None:
    with pytest.raises(ConfigError, match="no campaign to resume"):
        play(stage.settings(2), folder, resume=True)


def test_a_changed_config_refuses_to_resume_and_says_what(stage: Stage, folder: RunFolder) -> None:
    play(stage.settings(2), folder)
    with pytest.raises(ResumeRefusedError, match=r"campaign\.exchanges: 4 became 5"):
        play(stage.settings(2, exchanges=5), folder, resume=True)


def test_an_unknown_model_is_told_before_anything_is_spent(stage: Stage, folder: RunFolder) -> None:
    data = stage.settings(2).model_dump()
    data["roles"]["therapist"]["model"] = "no-such-model"
    with pytest.raises(EndpointError, match=r"roles\.therapist\.model"):
        play(Settings.model_validate(data), folder)
    assert not stage.asked


def test_a_failed_check_of_the_endpoints_does_not_use_up_the_name(
    stage: Stage, folder: RunFolder
) -> None:
    data = stage.settings(2).model_dump()
    data["roles"]["therapist"]["model"] = "no-such-model"
    with pytest.raises(EndpointError):
        play(Settings.model_validate(data), folder)
    assert not manifest_path(folder).exists()
    assert not folder.plan.exists()
    assert play(stage.settings(2), folder).finished == 2


def test_a_run_that_is_being_written_is_refused(stage: Stage, folder: RunFolder) -> None:
    with RunLock(folder.lock), pytest.raises(StoreError, match="another process"):
        play(stage.settings(2), folder)


def test_status_and_list(stage: Stage, folder: RunFolder) -> None:
    play(stage.settings(2), folder)
    (folder.root.parent / "something else").mkdir()
    damaged = RunFolder(folder.root.parent / "damaged")
    play(stage.settings(1), damaged)
    (damaged.ledger / "stray.txt").touch()
    listed = list_campaigns(folder.root.parent)
    assert [(one.name, one.state) for one in listed] == [
        ("a run with spaces", State.FINISHED),
        ("damaged", State.DAMAGED),
    ]
    assert listed[0].summary.finished == 2
    assert "stray.txt" in listed[1].problem


def test_status_of_no_campaign(folder: RunFolder) -> None:
    with pytest.raises(ConfigError, match="there is no campaign"):
        campaign_status(folder)


def test_a_trace_holds_every_call_of_a_session(stage: Stage, folder: RunFolder) -> None:
    play(stage.settings(3), folder)
    lines = list_traces(folder)
    assert all(bool(line.why) is (line.status != "accepted") for line in lines)
    assert sum(line.calls for line in lines) == sum(stage.asked.values())
    trace = load_trace(folder, lines[1].session)
    assert trace.session is not None
    assert trace.session.id == lines[1].session
    assert [one.number for one in trace.drafts] == [one.number for one in trace.session.drafts]
    first = trace.drafts[0]
    assert [call.role.value for call in first.calls[:2]] == ["therapist", "client"]
    assert first.calls[-1].role.value == "supervisor"
    assert first.calls[0].messages[0].role == "system"
    assert trace.item.persona.name in first.calls[0].messages[0].content
    assert {call.key for call in trace.calls} <= stage.asked.keys()
    assert load_trace(folder, "1") == trace
    assert load_trace(folder, lines[1].session.removeprefix("session-")[:10]) == trace


def test_a_trace_of_no_session_is_refused(stage: Stage, folder: RunFolder) -> None:
    play(stage.settings(2), folder)
    with pytest.raises(ConfigError, match="no such session"):
        load_trace(folder, "session-nowhere")
    with pytest.raises(ConfigError, match="more than one"):
        load_trace(folder, "session")
