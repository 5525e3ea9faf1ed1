"""The short word that a finished session is counted by, without reading it again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domain.session import Session, Status

if TYPE_CHECKING:
    from domain.critique import Critique

SCORE = "score"
"""Why a session was rejected whose share of the points is under the pack's threshold. Ledgers of
before 2026-11-27 say it of the rules below too."""
ITEM = "item"
"""Why one was that has points enough, but on one item fewer than that item needs."""
FLAW = "flaw"
"""Why one was in which a flaw blocks, whatever the points."""
TEXT = "text"
"""Why one was whose text is broken: a leaked note, a row of goodbyes."""
LIMIT = "limit"
"""Why one was in which something that is counted in the text passes the pack's limit for it."""
TELLTALE = "telltale"
"""Why one was that passed them as well but was told from real sessions."""
_UNKNOWN = "unknown"
_SCORE = re.compile(r"Score [0-9.]+ is under ")
_ITEM = re.compile(r": [0-9]+ is under [0-9]+\.$| was not scored\.$")
_TURN = re.compile(r"Turn [0-9]+: ")
"""How `agents.acceptance` words its reasons."""


def label_of(session: Session) -> str:
    """Return `accepted`, `rejected:<first rule that failed>` or `quarantined:<outcome>`."""
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
    gate = next((gate.gate for gate in critique.answer.gates if not gate.passed), None)
    return gate or _failed_rule(critique)


def _failed_rule(critique: Critique) -> str:
    """Return the first rule that a critique which passes every gate gives as its reason.

    Thresholds are the pack's, which is not at hand: the reason's form says which rule it is of.
    """
    reason = next(iter(critique.reasons), "")
    if critique.telltale and critique.telltale.over and len(critique.reasons) <= 1:
        return TELLTALE
    if _TURN.match(reason):
        turn = int(reason.removeprefix("Turn ").partition(":")[0])
        return FLAW if any(flaw.turn == turn for flaw in critique.answer.flaws) else TEXT
    if _ITEM.search(reason):
        return ITEM
    return SCORE if not reason or _SCORE.match(reason) else LIMIT


def status_of(label: str) -> str:
    """Return the status that a label begins with."""
    return label.partition(":")[0]


def why_of(label: str) -> str:
    """Return what a label says after its status."""
    return label.partition(":")[2]
