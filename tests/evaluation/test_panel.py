"""What a panel asks, what it recalls, and where it stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agents.pack import load_pack
from domain.errors import BudgetReachedError, ConfigError, PackError
from domain.progress import silent
from domain.runfolder import RunFolder
from domain.settings import EMBEDDED, Settings
from evaluation.panel import Panel, panel_of
from evaluation.rounds import reply_of
from rehearsal.embedded import endpoints_ready
from tests.evaluation.test_run import Judge, context
from tests.support.threaded import ThreadedServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from domain.case import Case


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture
def url(judge: Judge) -> Iterator[str]:
    with ThreadedServer(judge.app()) as server:
        yield f"{server.url}/v1"


def panel(url: str, folder: Path, **evaluation: Any) -> Panel:  # noqa: ANN401 - raw settings
    role = {"base_url": url, "model": "judge", "trusted_for_real": True, "retries": 0}
    settings = Settings.model_validate(
        {
            "name": "t",
            "engine": {"kind": "inline"},
            "endpoint": {"base_url": url, "trusted_for_real": True, "retries": 0},
            "roles": {"judge": role},
            "evaluation": evaluation,
        }
    )
    return panel_of(settings, load_pack("cbt"), RunFolder(folder))


def cases(of: Panel, scenarios: int = 5) -> list[Case]:
    told = [
        reply_of(context(n), text)
        for n in range(scenarios)
        if n != 3  # scenario 3 breaks this judge
        for text in ("I hear you.", "Go on.")
    ]
    return [case for one in told for case in of.cases(one, ("empathy", "relevance"))]


def test_a_budget_stops_judging_and_what_was_paid_is_kept(
    judge: Judge, url: str, tmp_path: Path
) -> None:
    small = panel(url, tmp_path, budget={"calls": 5})
    with pytest.raises(BudgetReachedError) as caught:
        small.rule(cases(small), silent, "verdicts")
    assert caught.value.exit_code == 4
    assert len(judge.bodies) == 5
    large = panel(url, tmp_path)
    found = large.rule(cases(large), silent, "verdicts")
    assert len(judge.bodies) == len(found) == 16
    assert all(one.score is not None for one in found)


def test_a_judge_that_joins_later_pays_for_itself_only(
    judge: Judge, url: str, tmp_path: Path
) -> None:
    alone = panel(url, tmp_path)
    first = alone.rule(cases(alone), silent, "verdicts")
    both = panel(url, tmp_path, panel={"judges": [{"model": "judge", "temperature": 0.5}]})
    assert both.names == ("judge", "judge#2")
    again = both.rule(cases(both), silent, "verdicts")
    assert len(judge.bodies) == 32
    assert [one for place, one in enumerate(again) if place % 2 == 0] == first


def test_a_judge_that_was_down_is_asked_again(judge: Judge, url: str, tmp_path: Path) -> None:
    one = panel(url, tmp_path)
    judge.key = "wanted"
    # the check of the endpoint sees it first; the call itself is refused as well
    with pytest.raises(Exception, match="key is asked for"):
        one.rule(cases(one), silent, "verdicts")
    judge.key = ""
    assert all(found.score for found in one.rule(cases(one), silent, "verdicts"))


def test_a_criterion_that_nobody_knows_is_named_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="no such criterion"):
        panel("http://127.0.0.1:9/v1", tmp_path, criteria=["depth"])


def test_a_budget_in_dollars_needs_every_price(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="price of every judge"):
        panel("http://127.0.0.1:9/v1", tmp_path, budget={"usd": 1})


def test_judges_of_a_panel_have_the_endpoints_keys() -> None:
    settings = Settings.model_validate(
        {
            "name": "t",
            "endpoint": {"concurrency": 3, "trusted_for_real": True},
            "evaluation": {"panel": {"judges": [{"model": "other"}]}},
        }
    )
    (other,) = settings.evaluation.panel.judges
    assert (other.concurrency, other.trusted_for_real, other.base_url) == (3, True, EMBEDDED)


def test_an_understudy_in_the_panel_is_started_too() -> None:
    plain = {"base_url": "http://127.0.0.1:9/v1", "model": "m"}
    roles = dict.fromkeys(("client", "therapist", "supervisor", "judge"), plain)
    panel = {"judges": [{"model": "understudy-judge"}]}
    settings = Settings.model_validate(
        {"name": "t", "roles": roles, "evaluation": {"panel": panel}}
    )
    with endpoints_ready(settings) as ready:
        assert ready.evaluation.panel.judges[0].base_url.startswith("http://127.0.0.1:")
        assert ready.roles.judge == settings.roles.judge
