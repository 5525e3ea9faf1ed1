"""Thin cells are refilled between rounds, in plan order, the same way however often one stops."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from campaigns.casting.deal import quota_of
from campaigns.casting.grammar import load_grammar
from campaigns.coverage import placed, tabulate
from campaigns.plan import plan_campaign, read_plan
from campaigns.planfile import lines_of
from campaigns.refill import refills
from campaigns.refillfile import mend_refills, read_refills
from campaigns.run import run_campaign
from campaigns.status import campaign_status
from domain.casting import CastingSettings
from domain.coverage import CoverageTable
from domain.errors import BudgetReachedError
from domain.progress import silent
from domain.runfolder import RunFolder
from domain.settings import Settings
from engine.clock import RunClock
from evaluation.parts import read_parts
from tests.support.threaded import ThreadedServer
from understudy.faults import FaultSettings
from understudy.handlers import Understudy
from understudy.requestlog import RequestLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agents.pack import Pack

SESSIONS = 18


@pytest.fixture(scope="module")
def understudy() -> Iterator[str]:
    with ThreadedServer(Understudy(FaultSettings(), RequestLog(None), None).app()) as server:
        yield f"{server.url}/v1"


def settings(url: str, **campaign: object) -> Settings:
    """A campaign in which many a session fails: nothing is revised."""
    return Settings.model_validate(
        {
            "name": "trial",
            "seed": 3,
            "endpoint": {"base_url": url},
            "roles": {"therapist": {"model": "understudy-therapist:competent"}},
            "engine": {"kind": "inline"},
            "campaign": {
                "sessions": SESSIONS,
                "exchanges": 8,
                "revisions": 0,
                "casting": {"refill": 1.0, "tries": 4},
                **campaign,
            },
        }
    )


def test_thin_cells_are_refilled_and_a_stop_changes_nothing(
    understudy: str, tmp_path: Path, pack: Pack
) -> None:
    whole, stopped = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "stopped")
    summary = run_campaign(settings(understudy), whole, silent)
    rounds = read_refills(whole, SESSIONS).lines
    assert rounds[0] == SESSIONS
    assert len(rounds) >= 2
    assert summary.planned == sum(rounds)

    in_the_second_round = SESSIONS * 17 + 5
    with pytest.raises(BudgetReachedError):
        run_campaign(settings(understudy, budget={"calls": in_the_second_round}), stopped, silent)
    assert len(read_refills(stopped, SESSIONS).lines) == 2
    run_campaign(settings(understudy), stopped, silent, resume=True)
    assert stopped.sessions.read_bytes() == whole.sessions.read_bytes()
    assert stopped.plan.read_bytes() == whole.plan.read_bytes()

    table = CoverageTable.model_validate_json(whole.coverage.read_bytes())
    assert table == campaign_status(whole, coverage=True).coverage
    assert table.refilled == sum(rounds[1:])
    assert _by_problem_and_style(table) == {
        (one.problem, one.style): (one.played, one.accepted)
        for one in read_parts(whole, ()).coverage
    }, "the report, which counts sessions.jsonl, says the same"
    before = tabulate(
        placed(lines_of(plan_campaign(settings(understudy), pack)).lines),
        _labels(whole),
        SESSIONS,
    )
    assert sum(cell.accepted for cell in table.cells) > sum(c.accepted for c in before.cells)
    for item in read_plan(whole.plan)[SESSIONS:]:
        cell = (item.persona.problem, item.scenario.technique, item.persona.style.value)
        assert cell in {(c.problem, c.technique, c.style) for c in table.cells if c.wanted}


def test_a_deadline_is_one_for_all_rounds(
    understudy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = iter((0.0, 3601.0))
    monkeypatch.setattr(RunClock, "passed_s", property(lambda _: next(passed)))
    folder = RunFolder(tmp_path)
    with pytest.raises(BudgetReachedError, match="deadline"):
        run_campaign(settings(understudy, budget={"deadline_s": 3600}), folder, silent)
    assert len(read_refills(folder, SESSIONS).lines) == 2
    assert campaign_status(folder).summary.finished == SESSIONS


def test_lines_that_a_killed_run_had_not_counted_are_counted(tmp_path: Path, pack: Pack) -> None:
    """It had written the plan, and not yet refills.json."""
    folder = RunFolder(tmp_path)
    plan = lines_of(plan_campaign(settings("http://x"), pack))
    for _ in range(2):
        mend_refills(folder, SESSIONS - 4, plan)
        assert read_refills(folder, SESSIONS - 4).lines == (SESSIONS - 4, 4)


def _by_problem_and_style(table: CoverageTable) -> dict[tuple[str, str], tuple[int, int]]:
    played, accepted = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for cell in table.cells:
        played[cell.problem, cell.style] += cell.judged + cell.quarantined
        accepted[cell.problem, cell.style] += cell.accepted
    return {key: (count, accepted[key]) for key, count in played.items()}


def _labels(folder: RunFolder) -> dict[str, str]:
    from engine.ledger.store import Store

    return Store(folder.ledger).labels()


def refilled(
    pack: Pack, labels: list[str], casting: CastingSettings, more: int = 0
) -> list[tuple[str, str, str]]:
    """The cells that a plan of as many sessions as there are labels asks to be refilled."""
    dealt = len(labels) - more
    plan = plan_campaign(
        Settings.model_validate({"name": "t", "campaign": {"sessions": dealt}}), pack
    )
    lines = lines_of([*plan, *plan[:more]]).lines
    names = [one.session for one in placed(lines)]
    quota = quota_of(load_grammar(pack), casting)
    cells = refills(lines, dict(zip(names, labels, strict=True)), quota, casting, dealt, 7)
    return [(cell.problem.problem, cell.technique, cell.style.value) for cell in cells]


def test_who_stands_in_shows_the_same_cell_in_plan_order(pack: Pack) -> None:
    labels = ["accepted", "rejected:score", "accepted", "quarantined:invalid", "accepted"]
    plan = plan_campaign(Settings.model_validate({"name": "t", "campaign": {"sessions": 5}}), pack)
    found = refilled(pack, labels, CastingSettings(refill=1.0))
    assert found == [
        (plan[at].persona.problem, plan[at].scenario.technique, plan[at].persona.style.value)
        for at in (1, 3)
    ]


def test_nothing_is_refilled_unasked_or_beyond_what_may_be_added(pack: Pack) -> None:
    labels = ["rejected:score"] * 10
    assert not refilled(pack, labels, CastingSettings())
    assert len(refilled(pack, labels, CastingSettings(refill=0.3))) == 3


def test_a_cell_is_given_up_after_so_many_tries(pack: Pack) -> None:
    labels = ["rejected:score"] * 10
    assert len(refilled(pack, labels, CastingSettings(refill=2, tries=2))) == 10
    assert not refilled(pack, labels, CastingSettings(refill=2, tries=1))


def test_a_session_that_nobody_answered_is_left_to_the_resume(pack: Pack) -> None:
    labels = ["quarantined:connection", "accepted", "quarantined:rate_limited"]
    assert not refilled(pack, labels, CastingSettings(refill=1))


def test_the_table_names_what_is_thin_and_what_is_often_rejected(pack: Pack) -> None:
    plan = plan_campaign(Settings.model_validate({"name": "t", "campaign": {"sessions": 2}}), pack)
    lines = lines_of(
        [plan[0], *(plan[1].model_copy(update={"index": at}) for at in range(1, 5))]
    ).lines
    ends = ["accepted", "rejected:score", "rejected:score", "accepted", "rejected:score"]
    names = [one.session for one in placed(lines)]
    table = tabulate(placed(lines), dict(zip(names, ends, strict=True)), 5)
    persona, scenario = plan[1].persona, plan[1].scenario
    assert table.often_rejected == (
        f"{persona.problem} / {scenario.technique} / {persona.style.value}",
    )
    assert table.thin == 1
    counted = Counter({line.value: line.planned for line in table.lines})
    assert counted[scenario.technique] == 4
    assert [x.acceptance for x in table.lines if x.value == scenario.technique] == [0.25]


def test_a_cell_is_read_from_the_line_and_not_from_what_is_said_in_it(pack: Pack) -> None:
    plan = plan_campaign(Settings.model_validate({"name": "t", "campaign": {"sessions": 1}}), pack)
    sly = plan[0].model_copy(
        update={"persona": plan[0].persona.model_copy(update={"history": '"problem":"none"'})}
    )
    [found] = placed(lines_of([sly]).lines)
    assert found.cell.problem == plan[0].persona.problem
    assert found.session == sly.session_id


@pytest.mark.slow
@pytest.mark.parametrize("skill", ["novice", "competent"])
def test_motivational_interviewing_is_accepted_with_the_understudy(
    understudy: str, tmp_path: Path, skill: str
) -> None:
    asked = settings(understudy, sessions=8, exchanges=10, revisions=2, casting={})
    role = asked.roles.therapist.model_copy(update={"model": f"understudy-therapist:{skill}"})
    roles = asked.roles.model_copy(update={"therapist": role})
    mi = asked.model_copy(update={"pack": "mi", "roles": roles})
    summary = run_campaign(mi, RunFolder(tmp_path), silent)
    assert summary.accepted >= 7
