"""A session that a model under test has played as the therapist, for the judge to read."""

from __future__ import annotations

from domain.base import Noun
from domain.session import Failure, StopReason
from domain.turn import Turn


class PlayedSession(Noun):
    """One model in one held-out session. All models meet the same clients, under the same seeds."""

    scenario_id: str
    """Id of the plan item (`PlanItem.session_id`): the same for every variant."""
    variant: str
    persona_id: str
    """Sessions of one persona are not independent."""
    plan_scenario_id: str
    """Id of the plan item's scenario, for lineage."""
    problem: str
    technique: str
    style: str
    turns: tuple[Turn, ...] = ()
    stop_reason: StopReason | None = None
    """None where it could not be played to its end; `failure` says why, and it is not judged."""
    failure: Failure | None = None
