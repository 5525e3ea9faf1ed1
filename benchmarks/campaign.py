"""The engine as it ships: campaigns by the path that the command line runs, nothing switched off.

One session has 23 calls: 8 exchanges are 16 utterances; the first critique sends the session back
by its last exchange, 2 utterances more; so does the second; the third accepts. That is 20
utterances and 3 critiques, with 2 revisions.

A lap is the difference between a large campaign and a small one of the same process, after a
first one that is not counted. What a campaign costs once (import, reading the pack, the check of
the endpoints, compiling the graphs, opening the shard) falls out; what every session costs stays
in, its casting, its export and its record for the corpus included.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from benchmarks.meter import Lap, measured
from campaigns.run import run_campaign
from domain.progress import silent
from domain.runfolder import RunFolder
from domain.settings import Settings
from engine.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Shape:
    """How long a session is."""

    exchanges: int
    revisions: int

    @property
    def calls(self) -> int:
        """Calls of one session at the stub: every revision plays one exchange again."""
        return 2 * (self.exchanges + self.revisions) + self.revisions + 1


SESSION_23 = Shape(exchanges=8, revisions=2)
SHORTEST = Shape(exchanges=3, revisions=0)


@dataclass(frozen=True)
class Course:
    """Where and how a campaign is run; crosses to the process that runs it."""

    base_url: str
    shape: Shape = SESSION_23
    kind: str = "inline"
    workers: int = 1
    in_flight: int = 64
    small: int = 32
    large: int = 96

    def settings(self, sessions: int) -> Settings:
        """Return the run file of a campaign of `sessions`."""
        talker = {"model": "stub", "temperature": 0.7}
        return Settings.model_validate(
            {
                "name": "bench",
                "endpoint": {"base_url": self.base_url, "concurrency": self.in_flight},
                "roles": {
                    "client": talker,
                    "therapist": talker,
                    "supervisor": {"model": "stub", "temperature": 0.0, "max_tokens": 4000},
                },
                "engine": {
                    "kind": self.kind,
                    "workers": self.workers,
                    "sessions_in_flight": self.in_flight,
                },
                "campaign": {
                    "sessions": sessions,
                    "exchanges": self.shape.exchanges,
                    "revisions": self.shape.revisions,
                },
            }
        )


@contextmanager
def scratch() -> Iterator[RunFolder]:
    """Yield a run folder that is gone after the block."""
    root = Path(tempfile.mkdtemp(prefix="rehearsal-bench-"))
    try:
        yield RunFolder(root / "run")
    finally:
        shutil.rmtree(root)


def play(course: Course, sessions: int, folder: RunFolder) -> Lap:
    """Run one campaign and return what it cost, start-up included.

    Raises:
        RuntimeError: The campaign did not make the calls that the shape says.
    """
    with measured(sessions * course.shape.calls) as lap:
        summary = run_campaign(course.settings(sessions), folder, silent)
    if summary.calls != lap.calls or summary.accepted != sessions:
        raise RuntimeError(f"{sessions} sessions of {course.shape} ended as {summary}")
    return lap


class EngineLane:
    """Laps of the engine in this process."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._play(course.small)

    def lap(self) -> Lap:
        """Return what the sessions between the small and the large campaign cost."""
        return self._play(self._course.large) - self._play(self._course.small)

    def _play(self, sessions: int) -> Lap:
        with scratch() as folder:
            return play(self._course, sessions, folder)


def record(course: Course, sessions: int, tape: Path) -> float:
    """Play a campaign, keep its requests on `tape`, and return its store's KB per session.

    The store is the ledger's folder with every file that lies in it once the campaign is closed.
    The tape is JSON: for each session, the exact bodies in the order in which they were sent.
    """
    with scratch() as folder:
        play(course, sessions, folder)
        size = sum(path.stat().st_size for path in folder.ledger.rglob("*") if path.is_file())
        store = Store(folder.ledger)
        bodies = [[row.request.decode() for row in store.calls(name)] for name in store.sessions()]
    tape.write_bytes(orjson.dumps(bodies))
    return size / sessions / 1000
