"""The live file: how a run stands, written about once a second for whoever watches.

It holds numbers and endpoints' addresses, never a key, a prompt or an answer. Whoever reads it
takes finished sessions and spending from the store; the file adds what only the run knows.
"""

from __future__ import annotations

import os
import socket
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from domain.base import Noun
from domain.endpointstate import EndpointState
from engine.spending.budget import NO_LIMIT, Spend

if TYPE_CHECKING:
    from engine.spending.cohort import Progress
    from engine.spending.course import Course, Moments

EVERY_S = 1.0
STALE_S = 5.0
"""Seconds without a sign after which a running run's file is said to be stale."""
_RATE_S = 30.0
"""Seconds that the rates are taken over."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Sample(Noun):
    """What sessions cost: how many, sums and sums of squares of calls, tokens, picodollars."""

    n: int = 0
    sums: tuple[int, int, int] = (0, 0, 0)
    squares: tuple[int, int, int] = (0, 0, 0)


class Survey(Noun):
    """A `Course` of `engine.spending` as the file has it; triples: calls, tokens, picodollars."""

    made: tuple[tuple[int, int, int], ...] = ()
    ended: tuple[int, ...] = ()
    playing: tuple[int, ...] = ()
    whole: tuple[Sample, ...] = ()


class LiveState(Noun):
    """A run at one moment. Triples are calls, tokens, picodollars."""

    host: str
    boot: str = ""
    """Names the start of the machine, within which `clock_s` counts."""
    clock_s: float
    """The machine's monotonic clock when this was written."""
    seconds: float
    """Since the run began."""
    over: bool = False
    """Whether the run has ended; nothing changes any more."""
    why: str = ""
    """What stopped it before its end."""
    planned: int
    before: int = 0
    """Sessions that earlier runs finished."""
    in_flight: int = 0
    finished: dict[str, int] = Field(default_factory=dict)
    """By label, in this run."""
    spent: tuple[int, int, int] = (0, 0, 0)
    """Earlier runs included."""
    spent_here: tuple[int, int, int] = (0, 0, 0)
    limits: tuple[int | None, int | None, int | None] = (None, None, None)
    deadline_s: float | None = None
    calls_per_second: float = 0.0
    """Over the last half minute."""
    survey: Survey = Survey()
    outcomes: dict[str, int] = Field(default_factory=dict)
    """Calls of this run by how they ended."""
    endpoints: tuple[EndpointState, ...] = ()

    def age_s(self, written: float) -> float:
        """Return seconds since this was written.

        On the machine that wrote it by its monotonic clock, so that a clock that is set does not
        matter; elsewhere by the file's time.

        Args:
            written: The file's modification time, seconds since 1970.
        """
        if self.boot and self.boot == boot_id():
            return max(0.0, time.monotonic() - self.clock_s)
        return max(0.0, time.time() - written)


@dataclass(frozen=True)
class LivePlan:
    """Where the live file is, and what it says that only the driver knows."""

    path: Path
    planned: int
    before: int


class LiveFile:
    """Writes the live file."""

    def __init__(
        self, plan: LivePlan, limits: Spend, deadline_s: float | None, began: float
    ) -> None:
        self._plan = plan
        self._limits = limits
        self._deadline_s = deadline_s
        self._began = began
        self._written = float("-inf")
        self._counts: deque[tuple[float, int]] = deque()

    @property
    def due(self) -> bool:
        """Whether it is time to write."""
        return time.monotonic() - self._written >= EVERY_S

    def write(
        self,
        progress: Progress,
        spent: Spend,
        here: Spend,
        endpoints: tuple[EndpointState, ...],
        *,
        over: bool = False,
        why: str = "",
    ) -> None:
        """Write how things stand; a file that cannot be written is left, the run goes on."""
        now = self._written = time.monotonic()
        state = LiveState(
            host=socket.gethostname(),
            boot=boot_id(),
            clock_s=now,
            seconds=now - self._began,
            over=over,
            why=why,
            planned=self._plan.planned,
            before=self._plan.before,
            in_flight=0 if over else progress.in_flight,
            finished=dict(progress.finished),
            spent=_triple(spent),
            spent_here=_triple(here),
            limits=_limited(self._limits),
            deadline_s=self._deadline_s,
            calls_per_second=self._rate(now, here.calls),
            survey=survey_of(progress.course),
            outcomes=dict(progress.outcomes),
            endpoints=endpoints,
        )
        fresh = self._plan.path.with_name(f".{self._plan.path.name}.{os.getpid()}")
        try:
            fresh.write_text(state.model_dump_json())  # squares may have more than 64 bits
            fresh.replace(self._plan.path)
        except OSError:  # a full disk, say: the run's own message will tell
            with suppress(OSError):
                fresh.unlink(missing_ok=True)

    def _rate(self, now: float, calls: int) -> float:
        self._counts.append((now, calls))
        while self._counts[0][0] < now - _RATE_S and len(self._counts) > 2:
            self._counts.popleft()
        began, before = self._counts[0]
        return (calls - before) / (now - began) if now > began else 0.0


def read_live(path: Path) -> tuple[LiveState, float] | None:
    """Return the live file's state and its age in seconds; None where there is none to read."""
    try:
        written = path.stat().st_mtime
        state = LiveState.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    return state, state.age_s(written)


def boot_id() -> str:
    """Return what names this start of this machine; empty where nothing does."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""


def _triple(spend: Spend) -> tuple[int, int, int]:
    return spend.calls, spend.tokens, spend.pico


def _limited(limits: Spend) -> tuple[int | None, int | None, int | None]:
    calls, tokens, pico = (None if most >= NO_LIMIT else most for most in _triple(limits))
    return calls, tokens, pico


def survey_of(course: Course) -> Survey:
    """Return a course as the live file has it."""
    return Survey(
        made=tuple(_triple(cost) for cost in course.made),
        ended=course.ended,
        playing=course.playing,
        whole=tuple(_sample(moments) for moments in course.whole),
    )


def _sample(moments: Moments) -> Sample:
    return Sample(n=moments.n, sums=_triple(moments.sums), squares=_triple(moments.squares))
