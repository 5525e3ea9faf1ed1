"""What became of the campaign's sessions on the way to training, counted from its export."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from corpus.files import read_nouns
from domain.base import Noun
from domain.session import Session, Status

if TYPE_CHECKING:
    from domain.runfolder import RunFolder


class Funnel(Noun):
    """Sessions by what became of them.

    A rejected session may fail several gates; each is counted. `below_score` passed every gate
    and was rejected for its scores alone.
    """

    planned: int
    played: int
    accepted: int
    accepted_at_once: int
    mended: int
    """Accepted after a rewind, and not before."""
    rejected: int
    rejected_by_gate: dict[str, int]
    below_score: int
    quarantined: int
    quarantined_by: dict[str, int]
    """By role and outcome of the call that failed."""
    rewinds: int


def read_funnel(folder: RunFolder) -> Funnel | None:
    """Count `folder.sessions`; None where no campaign was exported.

    Raises:
        StoreError: A line is not a session.
    """
    if not folder.sessions.is_file():
        return None
    by_status: Counter[Status] = Counter()
    gates: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    mended = below = rewinds = 0
    for session in read_nouns(folder.sessions, Session):
        by_status[session.status] += 1
        rewinds += max(0, len(session.drafts) - 1)
        mended += session.status is Status.ACCEPTED and bool(session.best)
        if session.status is Status.REJECTED:
            failed = _failed_gates(session)
            gates.update(failed)
            below += not failed
        if session.failure is not None:
            outcomes[f"{session.failure.role}: {session.failure.outcome}"] += 1
    played = sum(by_status.values())
    return Funnel(
        planned=_planned(folder) or played,
        played=played,
        accepted=by_status[Status.ACCEPTED],
        accepted_at_once=by_status[Status.ACCEPTED] - mended,
        mended=mended,
        rejected=by_status[Status.REJECTED],
        rejected_by_gate=dict(sorted(gates.items())),
        below_score=below,
        quarantined=by_status[Status.QUARANTINED],
        quarantined_by=dict(sorted(outcomes.items())),
        rewinds=rewinds,
    )


def _failed_gates(session: Session) -> list[str]:
    """Return the gates that the best draft failed."""
    if session.best is None or session.drafts[session.best].critique is None:
        return []
    critique = session.drafts[session.best].critique
    return [gate.gate for gate in critique.answer.gates if not gate.passed] if critique else []


def _planned(folder: RunFolder) -> int:
    if not folder.plan.is_file():
        return 0
    return sum(1 for line in folder.plan.read_bytes().splitlines() if line.strip())
