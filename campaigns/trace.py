"""A session as it came about: its drafts, and under each the calls that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from campaigns.begun import begun_plan, item_of
from domain.base import Noun
from domain.call import CallRow, Outcome, Role, Usage
from domain.errors import ConfigError
from domain.scenario import PlanItem
from domain.session import Draft, Session, Status
from engine.ledger.store import Store
from engine.spending.budget import counted

if TYPE_CHECKING:
    from campaigns.planfile import PlanLines
    from domain.runfolder import RunFolder

_SHOWN = 5
_ID_DIGITS = 8
"""Digits from which a number is taken for the beginning of an id; a plan has a million lines."""


class PromptMessage(Noun):
    """One message of a request."""

    role: str
    content: str


class CallTrace(Noun):
    """One call: what was asked, what came back, and what it cost."""

    key: str
    step: int
    attempt: int
    role: Role
    endpoint: str
    model: str
    request_hash: str
    messages: tuple[PromptMessage, ...]
    options: dict[str, Any]
    """Everything in the request but its messages: model, sampling, seed, response_format."""
    outcome: Outcome
    answer: str
    reasoning: str
    detail: str
    usage: Usage
    """The tokens that its cost is computed from."""
    tokens_estimated: bool
    """Whether they are an estimate, because the endpoint reported none."""
    latency_ms: float


class DraftTrace(Noun):
    """One draft: what was kept of it (None while it is being played), and its calls in order."""

    number: int
    draft: Draft | None
    calls: tuple[CallTrace, ...]


class Trace(Noun):
    """One session from its plan to its outcome (None while it is being played)."""

    item: PlanItem
    session: Session | None
    drafts: tuple[DraftTrace, ...]

    @property
    def calls(self) -> tuple[CallTrace, ...]:
        """Every call, in the order they were planned."""
        return tuple(call for draft in self.drafts for call in draft.calls)


class TraceLine(Noun):
    """One session in a list of traces."""

    session: str
    plan_index: int
    persona: str
    problem: str
    technique: str
    style: str
    status: str
    """accepted, rejected, quarantined, or `open` while it has no outcome."""
    drafts: int
    score: float | None
    calls: int
    why: str = ""
    """Why it was rejected or quarantined, in plain words."""


def load_trace(folder: RunFolder, session_id: str) -> Trace:
    """Read one session's trace.

    Args:
        folder: The run's folder.
        session_id: The session's id, the beginning of one, or its number in the plan.

    Raises:
        ConfigError: No such campaign, or not exactly one such session.
        StoreError: The plan or the ledger is damaged.
    """
    item = _find(begun_plan(folder), session_id, folder)
    store = Store(folder.ledger)
    result = store.result(item.session_id)
    session = None if result is None else Session.model_validate_json(result)
    rows = store.calls(item.session_id)
    return Trace(item=item, session=session, drafts=_drafts(session, rows))


def list_traces(folder: RunFolder) -> list[TraceLine]:
    """Return one line for each session of the plan, in plan order.

    A few hundred results are held at a time; they are read without validation, which the worker
    that wrote them has done.

    Raises:
        ConfigError: No such campaign.
        StoreError: The plan or the ledger is damaged.
    """
    store, plan = Store(folder.ledger), begun_plan(folder)
    calls = store.sessions()
    ended = {name: _end(data) for name, data in store.iter_results(plan.names)}
    return [
        _line(item_of(line, folder), ended.get(name, _OPEN), calls.get(name, 0))
        for name, line in plan.items()
    ]


def _find(plan: PlanLines, wanted: str, folder: RunFolder) -> PlanItem:
    if wanted.isdecimal() and len(wanted) < _ID_DIGITS:
        return _numbered(plan, int(wanted), folder)
    begins = (wanted, f"session-{wanted}")
    found = [(name, line) for name, line in plan.items() if wanted and name.startswith(begins)]
    if len(found) == 1:
        return item_of(found[0][1], folder)
    raise ConfigError(
        "more than one session begins so" if found else "there is no such session",
        where=str(folder.plan),
        expected="a session's id, its beginning, or its number in the plan",
        got=f"{wanted} ({', '.join(name for name, _ in found[:_SHOWN])})" if found else wanted,
        mend=f'see: rehearsal trace list "{folder.root}"',
    )


def _numbered(plan: PlanLines, number: int, folder: RunFolder) -> PlanItem:
    if number < len(plan.lines):
        return item_of(plan.lines[number], folder)
    raise ConfigError(
        "there is no session of that number",
        where=str(folder.plan),
        expected=f"a number from 0 to {len(plan.lines) - 1:,}",
        got=f"{number:,}",
        mend=f'see: rehearsal trace list "{folder.root}"',
    )


def _drafts(session: Session | None, rows: tuple[CallRow, ...]) -> tuple[DraftTrace, ...]:
    kept = {draft.number: draft for draft in session.drafts} if session else {}
    numbers = sorted(kept.keys() | {row.key.draft for row in rows})
    return tuple(
        DraftTrace(
            number=number,
            draft=kept.get(number),
            calls=tuple(_call(row) for row in rows if row.key.draft == number),
        )
        for number in numbers
    )


def _call(row: CallRow) -> CallTrace:
    body: dict[str, Any] = orjson.loads(row.request)
    messages = body.pop("messages", [])
    result, tokens = row.result, counted(row)
    return CallTrace(
        key=str(row.key),
        step=row.key.step,
        attempt=row.key.attempt,
        role=row.role,
        endpoint=row.endpoint,
        model=result.model or str(body.get("model", "")),
        request_hash=row.request_hash,
        messages=tuple(PromptMessage(role=one["role"], content=one["content"]) for one in messages),
        options=body,
        outcome=result.outcome,
        answer=result.text,
        reasoning=result.reasoning,
        detail=result.detail,
        usage=tokens.usage,
        tokens_estimated=tokens.estimated,
        latency_ms=result.latency_ms,
    )


class _End(NamedTuple):
    """What a list says of a session's result."""

    status: str
    drafts: int
    score: float | None
    why: str = ""


_OPEN = _End("open", 0, None)


def _end(result: bytes) -> _End:
    session = orjson.loads(result)
    drafts, best = session["drafts"], session["best"]
    critique = None if best is None else drafts[best]["critique"]
    score = None if critique is None else critique["score"]
    return _End(session["status"], len(drafts), score, _why(session, critique))


def _why(session: dict[str, Any], critique: dict[str, Any] | None) -> str:
    if session["failure"] is not None:
        return f"{session['failure']['role']}: {session['failure']['outcome'].replace('_', ' ')}"
    if session["status"] != Status.REJECTED or critique is None or not critique["reasons"]:
        return ""
    first, *others = critique["reasons"]
    return f"{first} (and {len(others)} more)" if others else str(first)


def _line(item: PlanItem, end: _End, calls: int) -> TraceLine:
    return TraceLine(
        session=item.session_id,
        plan_index=item.index,
        persona=item.persona.name,
        problem=item.persona.problem,
        technique=item.scenario.technique,
        style=item.persona.style.value,
        status=end.status,
        drafts=end.drafts,
        score=end.score,
        calls=calls,
        why=end.why,
    )
