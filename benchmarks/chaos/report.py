"""What a kill came to: accounts and stores held against each other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from benchmarks.chaos.stage import Trial


@dataclass
class Report:
    """What the kills of one mode came to, added up."""

    mode: str
    kills: int = 0
    runs: int = 0
    """Campaigns played to their end, each killed at least once."""
    acknowledged: int = 0
    """Sessions whose result was committed when a kill came."""
    lost: int = 0
    """Acknowledged sessions that are missing at the end, or are not what they were."""
    asked_twice: int = 0
    """Calls that the endpoint answered more than once; each further answer counts."""
    unrecorded: int = 0
    """Calls that the endpoint had answered at a kill and the ledger lacked."""
    in_flight_at_kill: int = 0
    """Sessions that were in the middle of a call, as the endpoint's account shows."""
    same_bytes: bool = True
    """Whether every export equals that of the run that was left in peace."""
    problems: list[str] = field(default_factory=list)
    """What went against a promise, in words; empty when everything held."""

    @property
    def held(self) -> bool:
        """Whether every promise held."""
        bounded = max(self.asked_twice, self.unrecorded) <= self.in_flight_at_kill
        return self.same_bytes and not self.lost and bounded and not self.problems

    def as_json(self) -> dict[str, object]:
        """Return the figures under the names that `--json` promises."""
        return {**vars(self), "held": self.held}


@dataclass
class Witness:
    """Looks at one run after each kill and at its end, and tells the report."""

    trial: Trial
    report: Report
    reference: bytes
    acknowledged: dict[str, bytes] = field(default_factory=dict)

    def after_kill(self) -> None:
        """Note what was acknowledged and what was in flight; the run is dead and settled."""
        self.report.kills += 1
        results, recorded = self.trial.results(), self.trial.recorded()
        for item, data in results.items():
            self._compare(item, data)
            self.acknowledged[item] = data
        self.report.acknowledged += len(results)
        lines = read_account(self.trial)
        answered = {line["call"] for line in lines if line["event"] == "answered"}
        self.report.unrecorded += len(answered - recorded)
        last = {_session(line["call"]): line["call"] for line in lines if line["call"]}
        since = _since_last_kill(lines)
        in_flight = {
            call for session, call in last.items() if session not in results and call in since
        }
        self.report.in_flight_at_kill += len(in_flight)
        if stray := answered - recorded - set(last.values()):
            self._say(f"answered, followed by another call, and not recorded: {sorted(stray)[:3]}")

    def at_end(self) -> None:
        """Hold the finished run against the reference and the endpoint's account."""
        self.report.runs += 1
        results = self.trial.results()
        for item, data in self.acknowledged.items():
            if results.get(item) != data:
                self.report.lost += 1
                self._say(f"{item} was acknowledged and is not there as it was")
        if self.trial.export() != self.reference:
            self.report.same_bytes = False
            self._say("the export differs")
        lines = read_account(self.trial)
        answered = Counter(
            (line["call"], line["body"]) for line in lines if line["event"] == "answered"
        )
        self.report.asked_twice += sum(answered.values()) - len(answered)
        for problem in _repeats(lines):
            self._say(problem)

    def _compare(self, item: str, data: bytes) -> None:
        if item in self.acknowledged and self.acknowledged[item] != data:
            self._say(f"{item} changed from one kill to the next")

    def _say(self, what: str) -> None:
        self.report.problems.append(f"{self.trial.name}: {what}")


def read_account(trial: Trial) -> list[dict[str, str]]:
    """Return the endpoint's account of a run, line by line."""
    if not trial.account.is_file():
        return []
    return [orjson.loads(line) for line in trial.account.read_bytes().splitlines()]


def _session(call: str) -> str:
    return call.split("/")[0]


def _since_last_kill(lines: list[dict[str, str]]) -> set[str]:
    """The calls received by the process that was killed last; its own mark ends the account."""
    marks = [at for at, line in enumerate(lines) if line["event"] == "settled"]
    begin = marks[-2] + 1 if len(marks) > 1 else 0
    return {line["call"] for line in lines[begin:] if line["event"] == "received"}


def _repeats(lines: list[dict[str, str]]) -> list[str]:
    """Name the calls that were asked again though they could not have been in flight.

    A session asks one call at a time, and the next only when the last is recorded. So a call may
    be asked again only where it was its session's last, and only by another process.
    """
    found = []
    last: dict[str, tuple[str, int]] = {}
    asked: dict[str, set[str]] = {}
    life = 0
    for line in lines:
        life += line["event"] == "settled"
        if line["event"] != "received":
            continue
        call, session = line["call"], _session(line["call"])
        before = last.get(session)
        if call in asked.setdefault(session, set()) and before is not None:
            if before[0] != call:
                found.append(f"{call} was asked again after {before[0]}")
            elif before[1] == life:
                found.append(f"{call} was asked twice by one process")
        asked[session].add(call)
        last[session] = call, life
    return found
