"""The engine as it ships: campaigns by the path that the command line runs, nothing switched off.

A lap is the difference between a large campaign and a small one of the same process, after a
first one that is not counted. What a campaign costs once (import, reading the pack, the check of
the endpoints, compiling the graphs, opening the shard) falls out; what every session costs stays
in, its casting, its export and its record for the corpus included.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from benchmarks.listener import listening
from benchmarks.meter import Lap, measured
from campaigns.run import run_campaign
from domain.progress import silent
from domain.runfolder import RunFolder
from engine.ledger.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.course import Course


@contextmanager
def scratch() -> Iterator[RunFolder]:
    """Yield a run folder that is gone after the block."""
    root = Path(tempfile.mkdtemp(prefix="rehearsal-bench-"))
    try:
        yield RunFolder(root / "run")
    finally:
        shutil.rmtree(root)


_SEEDS = count(1)
"""No two campaigns of a process are alike: what was heard in one is in no cache for the next."""


def play(course: Course, sessions: int, folder: RunFolder) -> Lap:
    """Run one campaign, unlike any before, and return what it cost, start-up included.

    Raises:
        RuntimeError: The campaign did not make the calls that the shape says.
    """
    settings = course.settings(sessions, next(_SEEDS))
    with measured(sessions * course.shape.calls) as lap:
        summary = run_campaign(settings, folder, silent)
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


class TracedLane(EngineLane):
    """The same with a LangChain callback handler that listens to every call."""

    def _play(self, sessions: int) -> Lap:
        with listening() as listener:
            lap = super()._play(sessions)
        if listener.started != lap.calls:
            raise RuntimeError(f"{listener.started} of {lap.calls} calls were told to callbacks")
        return lap


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
