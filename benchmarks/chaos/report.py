"""What a kill came to: accounts and stores held against each other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

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
    """Sessions that were being played, as the endpoint's account shows: each has at most one call
    under way."""
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
    kills: int = 0

    def after_kill(self, *, alive: bool = False) -> None:
        """Note what was acknowledged; `alive` where others may still be writing."""
        self.report.kills += 1
        self.kills += 1
        trial = self.trial
        results = trial.results_in_place() if alive else trial.results()
        for item, data in results.items():
            if self.acknowledged.setdefault(item, data) != data:
                self._say(f"{item} changed from one kill to the next")
        self.report.acknowledged += len(results)
        lines = read_account(trial)
        if alive:
            self.report.in_flight_at_kill += len(_sessions(lines) - results.keys())
        else:
            # Of the life that was killed: what an earlier one left is counted there.
            mine = (line for line in lines if line.life == trial.life)
            answered = {line.call for line in mine if line.event == "answered"}
            self.report.unrecorded += len(answered - trial.recorded())

    def at_end(self, *, one_life: bool = False) -> None:
        """Hold the finished run against the reference and the endpoint's account.

        Args:
            one_life: Whether workers were killed under a driver that lived on.
        """
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
        answered = Counter((line.call, line.body) for line in lines if line.event == "answered")
        self.report.asked_twice += sum(answered.values()) - len(answered)
        if not one_life:
            self.report.in_flight_at_kill += _cut_off(lines)
        for problem in _repeats(lines, self.kills if one_life else 0):
            self._say(problem)

    def _say(self, what: str) -> None:
        self.report.problems.append(f"{self.trial.name}: {what}")


class Line(NamedTuple):
    """One line of the endpoint's account."""

    event: str
    life: int
    call: str
    body: str

    @property
    def session(self) -> str:
        """The session that the call belongs to."""
        return self.call.partition("/")[0]


def read_account(trial: Trial) -> list[Line]:
    """Return the endpoint's account of a run, line by line."""
    if not trial.account.is_file():
        return []
    whole, _, _ = trial.account.read_bytes().rpartition(b"\n")  # the last may be half written
    return [Line(**orjson.loads(line)) for line in whole.splitlines()]


def _sessions(lines: list[Line]) -> set[str]:
    return {line.session for line in lines}


def _cut_off(lines: list[Line]) -> int:
    """Count, over all lives but the last, the sessions that a later life had to go on with."""
    lives: dict[int, set[str]] = {}
    for line in lines:
        lives.setdefault(line.life, set()).add(line.session)
    later: set[str] = set()
    found = 0
    for life in sorted(lives, reverse=True):
        found += len(lives[life] & later)
        later |= lives[life]
    return found


def _repeats(lines: list[Line], kills: int) -> list[str]:
    """Name the calls that were asked again though they could not have been in flight.

    A session asks one call at a time, and the next only when the last is recorded. So a call may
    be asked again only where it was its session's last, and only by another process: by another
    life, or, where `kills` workers were killed within one, as often as that.
    """
    found = []
    asked: dict[str, list[tuple[str, int]]] = {}
    for line in sorted(lines, key=lambda line: line.life):
        if line.event != "received":
            continue
        before = asked.setdefault(line.session, [])
        same = [life for call, life in before if call == line.call]
        if same and before[-1][0] != line.call:
            found.append(f"{line.call} was asked again after {before[-1][0]}")
        elif same.count(line.life) > kills:
            found.append(f"{line.call} was asked twice by one process")
        before.append((line.call, line.life))
    return found
