"""A campaign against an endpoint that fails in every way there is: nothing missing, all typed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from benchmarks.chaos import forked
from benchmarks.chaos.stage import Size
from domain.call import Outcome, Role
from domain.session import Session, Status
from engine.ledger.store import Store
from understudy.faults import Fault, FaultSettings

if TYPE_CHECKING:
    from benchmarks.chaos.stage import Stage, Trial
    from domain.call import CallRow

SHARE = 0.2
MIXED = FaultSettings.model_validate(
    {**{fault.value: SHARE / len(Fault) for fault in Fault}, "retry_after_s": 0, "latency_ms": 2}
)
"""One call in five meets a fault, each kind as often as any other; drawn by the call's key."""

TYPED = {
    Fault.RATE_LIMITED: Outcome.RATE_LIMITED,
    Fault.SERVER_ERROR: Outcome.SERVER_ERROR,
    Fault.HANG: Outcome.TIMEOUT,
    Fault.SLOW_LORIS: Outcome.TIMEOUT,
    Fault.RESET: Outcome.CONNECTION,
    Fault.MALFORMED: Outcome.MALFORMED,
    Fault.WRONG_ROLE: Outcome.MALFORMED,
    Fault.GARBAGE: Outcome.MALFORMED,
    Fault.UNFIT: Outcome.INVALID,
    Fault.TRUNCATED: Outcome.TRUNCATED,
    Fault.EMPTY: Outcome.EMPTY,
    Fault.REFUSAL: Outcome.REFUSAL,
    Fault.HUGE: Outcome.TOO_LARGE,
}
"""What each fault must be called in the ledger, and so in the trace."""


@dataclass
class FaultReport:
    """What a campaign against a failing endpoint came to."""

    mode: str = "faults"
    sessions: int = 0
    accepted: int = 0
    rejected: int = 0
    quarantined: int = 0
    missing: int = 0
    twice: int = 0
    calls: int = 0
    by_fault: dict[str, int] = field(default_factory=dict)
    """Calls that met each fault."""
    quarantined_for: dict[str, int] = field(default_factory=dict)
    """Outcomes of the calls that sessions failed at."""
    problems: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Whether every promise held."""
        return not (self.missing or self.twice or self.problems)

    def as_json(self) -> dict[str, object]:
        """Return the figures under their names."""
        return {**vars(self), "held": self.held}


def faults(stage: Stage, sessions: int) -> FaultReport:
    """Play a campaign at a fifth of faults and hold every session and every call to its kind."""
    report = FaultReport(sessions=sessions)
    size = Size(sessions=sessions, exchanges=3, in_flight=128)
    trial = stage.trial("faults", size, endpoint={"timeout_s": 1.5, "retries": 3})
    code = forked.wait(forked.start(trial), timeout_s=1800)
    if code or not trial.folder.sessions.is_file():
        report.problems.append(f"the campaign ended with {code}: see {trial.name}.out")
        return report
    _count_sessions(trial, report)
    _hold_calls(trial, report)
    _look_at_trace(trial, report)
    return report


def _count_sessions(trial: Trial, report: FaultReport) -> None:
    planned = [orjson.loads(line)["index"] for line in trial.folder.plan.open("rb")]
    ended = [Session.model_validate_json(line) for line in trial.folder.sessions.open("rb")]
    found = Counter(session.plan_index for session in ended)
    report.missing = len(set(planned) - found.keys())
    report.twice = sum(found.values()) - len(found)
    kinds = Counter(session.status for session in ended)
    report.accepted, report.rejected = kinds[Status.ACCEPTED], kinds[Status.REJECTED]
    report.quarantined = kinds[Status.QUARANTINED]
    reasons = Counter(session.failure.outcome for session in ended if session.failure)
    report.quarantined_for = dict(reasons)
    if sum(reasons.values()) != report.quarantined:
        report.problems.append("a session is quarantined without a reason")


def _hold_calls(trial: Trial, report: FaultReport) -> None:
    store, met = Store(trial.folder.ledger), Counter[str]()
    for session in store.sessions():
        for row in store.calls(session):
            report.calls += 1
            fault = MIXED.draw(str(row.key))
            if fault is not None:
                met[fault.value] += 1
            if wrong := _mistyped(row, fault):
                report.problems.append(wrong)
    report.by_fault = dict(met)
    report.problems += [f"no call met {fault}" for fault in Fault if not met[fault.value]]


def _mistyped(row: CallRow, fault: Fault | None) -> str:
    """Say how a call's outcome is not what its fault should be called."""
    expected = TYPED[fault] if fault is not None else Outcome.OK
    if fault is Fault.UNFIT and row.role is not Role.SUPERVISOR:
        expected = Outcome.OK  # there is no schema to break
    if row.result.outcome is expected:
        return ""
    met = f"met {fault}" if fault else "met no fault"
    return f"{row.key} {met} and is called {row.result.outcome}: {row.result.detail}"


def _look_at_trace(trial: Trial, report: FaultReport) -> None:
    """See that the command line shows a quarantined session with the outcome it failed at."""
    for line in trial.folder.sessions.open("rb"):
        session = Session.model_validate_json(line)
        if session.failure is None:
            continue
        shown = forked.output(trial, ["trace", "show", session.id, "--run", str(trial.folder.root)])
        if f"failed: {session.failure.role}" not in shown or session.failure.outcome not in shown:
            report.problems.append(f"`rehearsal trace` does not show why {session.id} failed")
        return
