"""Accepted sessions as records, with everything upstream named by id and hash."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from corpus.files import read_nouns, write_nouns
from domain.base import Noun, canonical_json
from domain.errors import StoreError
from domain.record import Deidentification, Origin, Provenance, Quality, Record
from domain.scenario import PlanItem
from domain.session import Session, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domain.runfolder import RunFolder

LICENCE = "CC0-1.0"
"""Licence of simulated sessions, where the run does not say another."""


class Making(Noun):
    """What made a campaign's sessions; copied to each record."""

    campaign: str
    model: str
    """The therapist's model: its turns are what is learned."""
    prompts_hash: str
    config_hash: str
    seed: int
    licence: str = LICENCE


def records_of_sessions(
    sessions: Iterable[Session], plan: Iterable[PlanItem], making: Making
) -> Iterator[Record]:
    """Yield a record for each accepted session with turns, in the order of `sessions`.

    Both are walked once, side by side: a campaign's sessions stand in the order of its plan.

    Raises:
        StoreError: A session is not in the plan, or not in its order.
    """
    rest, passed = iter(plan), 0
    for session in sessions:
        for item in rest:
            passed += 1
            if item.index == session.plan_index:
                break
        else:
            raise _not_planned(session, passed)
        if item.session_id != session.id:
            raise _not_planned(session, passed)
        if session.status is Status.ACCEPTED and session.turns:
            yield _record(session, item, making)


def write_synthetic(folder: RunFolder, making: Making) -> int:
    """Write the campaign's accepted sessions to the run's synthetic records; return how many.

    Raises:
        StoreError: The campaign's files are missing, damaged, or do not belong together.
    """
    if not folder.sessions.exists():
        raise StoreError(
            "the campaign has not been played",
            where=str(folder.sessions),
            expected="the campaign's sessions",
            got="no such file",
            mend="Run `rehearsal campaign run` first.",
        )
    sessions = read_nouns(folder.sessions, Session)
    plan = read_nouns(folder.plan, PlanItem)
    return write_nouns(folder.synthetic, records_of_sessions(sessions, plan, making))


def _not_planned(session: Session, passed: int) -> StoreError:
    return StoreError(
        "a session is not in the plan",
        where=session.id,
        expected="the plan that the sessions were played from, in its order",
        got=f"a plan of {passed} other sessions",
        mend="Use the plan.jsonl of the same run.",
    )


def _record(session: Session, item: PlanItem, making: Making) -> Record:
    return Record(
        origin=Origin.SYNTHETIC,
        source=making.campaign,
        licence=making.licence,
        topic=session.problem,
        group=item.persona.id,
        quality=Quality.HIGH,
        deidentification=Deidentification.NOT_NEEDED,
        turns=session.turns,
        provenance=Provenance(
            source_hash=hashlib.sha256(canonical_json(session)).hexdigest(),
            model=making.model,
            prompts_hash=making.prompts_hash,
            config_hash=making.config_hash,
            seed=making.seed,
            lineage=(session.id, session.persona_id, session.scenario_id),
        ),
    )
