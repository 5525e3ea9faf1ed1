"""The short word that a finished session is counted by, without reading it again."""

from __future__ import annotations

from domain.session import Session, Status

SCORE = "score"
"""Why a session was rejected that passed every gate."""
TELLTALE = "telltale"
"""Why one was that passed them as well but was told from real sessions."""
_UNKNOWN = "unknown"


def label_of(session: Session) -> str:
    """Return `accepted`, `rejected:<first failed gate, or score>` or `quarantined:<outcome>`."""
    if session.status is Status.QUARANTINED:
        why = session.failure.outcome if session.failure is not None else _UNKNOWN
    elif session.status is Status.REJECTED:
        why = _failed_gate(session)
    else:
        return session.status.value
    return f"{session.status.value}:{why}"


def label_of_result(data: bytes) -> str:
    """Return the label of a session that is given as JSON.

    Raises:
        ValueError: It is no session.
    """
    return label_of(Session.model_validate_json(data))


def _failed_gate(session: Session) -> str:
    critique = None if session.best is None else session.drafts[session.best].critique
    if critique is None:
        return _UNKNOWN
    otherwise = TELLTALE if critique.telltale and critique.telltale.over else SCORE
    return next((gate.gate for gate in critique.answer.gates if not gate.passed), otherwise)


def status_of(label: str) -> str:
    """Return the status that a label begins with."""
    return label.partition(":")[0]


def why_of(label: str) -> str:
    """Return what a label says after its status."""
    return label.partition(":")[2]
