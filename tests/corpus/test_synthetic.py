from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from corpus.files import read_records, write_nouns
from corpus.synthetic import Making, records_of_sessions, write_synthetic
from domain.errors import StoreError
from domain.record import Deidentification, Origin
from domain.session import Draft, Session, Status, StopReason
from tests.support.cast import an_item, turns_of

if TYPE_CHECKING:
    from domain.runfolder import RunFolder
    from domain.scenario import PlanItem

MAKING = Making(campaign="demo", model="a-therapist", prompts_hash="p1", config_hash="c1", seed=7)


def played(item: PlanItem, status: Status = Status.ACCEPTED) -> Session:
    draft = Draft(
        number=0,
        start=0,
        turns=turns_of("How are you?", "Not well.", "Not well?", "No."),
        stop_reason=StopReason.AGREED_END,
    )
    return Session(
        id=item.session_id,
        plan_index=item.index,
        persona_id=item.persona.id,
        scenario_id=item.scenario.id,
        problem=item.persona.problem,
        technique=item.scenario.technique,
        style=item.persona.style,
        status=status,
        best=0,
        drafts=(draft,),
    )


def test_accepted_sessions_become_records_with_their_lineage() -> None:
    plan = [an_item(0), an_item(1)]
    sessions = [played(plan[0]), played(plan[1], Status.REJECTED)]
    (one,) = records_of_sessions(sessions, plan, MAKING)
    assert one.origin is Origin.SYNTHETIC
    assert one.deidentification is Deidentification.NOT_NEEDED
    assert one.turns == sessions[0].turns
    assert (one.topic, one.group) == ("social_anxiety", plan[0].persona.id)
    made = one.provenance
    assert (made.model, made.prompts_hash, made.config_hash, made.seed) == (
        "a-therapist",
        "p1",
        "c1",
        7,
    )
    assert made.lineage == (sessions[0].id, plan[0].persona.id, plan[0].scenario.id)


def test_a_session_of_another_plan_is_refused() -> None:
    with pytest.raises(StoreError, match="not in the plan"):
        list(records_of_sessions([played(an_item(0))], [an_item(5)], MAKING))


def test_a_campaigns_export_is_written_as_records(run: RunFolder) -> None:
    plan = [an_item(0), an_item(1)]
    write_nouns(run.plan, plan)
    write_nouns(run.sessions, map(played, plan))
    assert write_synthetic(run, MAKING) == 2
    assert [one.source for one in read_records(run.synthetic)] == ["demo", "demo"]


def test_a_campaign_that_was_not_played_is_said(run: RunFolder) -> None:
    with pytest.raises(StoreError, match="has not been played"):
        write_synthetic(run, MAKING)
