"""The steps of a run while it goes: read off its live log, said in a phrase, sent to trackers.

A rank appends each step to the live log, wherever it computes; whoever started the run reads it.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from statistics import median
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from domain.progress import Progress
    from training.trackers import Tracker

LogRow: TypeAlias = dict[str, float]

LIVE_LOG = "live.jsonl"
"""In each variant's training folder. After a worker's death steps stand in it twice."""
LOOK_S = 0.5
WINDOW = 20
"""Steps that speed and time left are judged by."""


class LiveLog:
    """A growing JSONL of steps."""

    def __init__(self, path: Path) -> None:
        self._path, self._read = path, 0

    def new_rows(self) -> list[LogRow]:
        """Return what was added since the last call; a line that is being written comes later."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._read)
                data = file.read()
        except OSError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        return [json.loads(line) for line in whole.splitlines()]


class Pace:
    """How fast a run goes, by its last steps."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._rows: deque[LogRow] = deque(maxlen=WINDOW)

    def add(self, row: LogRow) -> None:
        """Take in a step; after a restart those before it no longer say anything."""
        if self._rows and row["step"] <= self._rows[-1]["step"]:
            self._rows.clear()
        self._rows.append(row)

    @property
    def left_s(self) -> float:
        """Seconds that the steps to come will take, if they are like the median of the last."""
        return (self._steps - self._rows[-1]["step"]) * median(row["seconds"] for row in self._rows)

    def phrase(self) -> str:
        """Loss, tokens a second (supervised, and all), use of the card, memory, time left."""
        last, seconds = self._rows[-1], sum(row["seconds"] for row in self._rows)
        supervised = sum(row["seconds"] * row["supervised_tokens_per_s"] for row in self._rows)
        computed = sum(row["computed_tokens"] for row in self._rows)
        parts = [f"loss {last['loss']:.2f}"]
        parts.append(
            f"{supervised / seconds:,.0f} of {computed / seconds:,.0f} tokens/s supervised"
        )
        if "mfu" in last:
            parts.append(f"MFU {median(row['mfu'] for row in self._rows if 'mfu' in row):.0%}")
        if "memory_mb" in last:
            parts.append(f"{last['memory_mb']:,.0f} MB")
        if self._steps > last["step"]:
            parts.append(f"{clock(self.left_s)} left")
        return ", ".join(parts)


def clock(seconds: float) -> str:
    """A span of time as m:ss or h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Watched:
    """One variant under way, as its watcher sees it."""

    def __init__(self, variant: str, log: Path, steps: int, note: str = "") -> None:
        self.variant, self.steps = variant, steps
        self._note = f"; {note}" if note else ""
        self._log, self._pace, self._furthest = LiveLog(log), Pace(steps), 0.0

    def look(self, progress: Progress, trackers: Sequence[Tracker]) -> None:
        """Pass on what is new; a step that was repeated after a restart is tracked once."""
        rows = self._log.new_rows()
        for row in rows:
            self._pace.add(row)
            if row["step"] > self._furthest:
                self._furthest = row["step"]
                for tracker in trackers:
                    tracker.track(self.variant, row)
        if rows:
            step = int(rows[-1]["step"])
            progress(f"train {self.variant}", step, self.steps, self._pace.phrase() + self._note)


class Watch:
    """Looks at the variants from a thread of its own until it is left; a context manager."""

    def __init__(
        self, watched: Sequence[Watched], progress: Progress, trackers: Sequence[Tracker]
    ) -> None:
        self._watched, self._progress, self._trackers = watched, progress, trackers
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        """Begin to look."""
        self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Look a last time and close the trackers."""
        self._ended.set()
        self._thread.join()
        for tracker in self._trackers:
            tracker.close()

    def _run(self) -> None:
        while not self._ended.wait(LOOK_S):
            self._look()
        self._look()

    def _look(self) -> None:
        for one in self._watched:
            one.look(self._progress, self._trackers)
