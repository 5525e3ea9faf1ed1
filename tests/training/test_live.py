from __future__ import annotations

import json
from typing import TYPE_CHECKING

from training.live import LiveLog, LogRow, Pace, Watch, Watched, clock

if TYPE_CHECKING:
    from pathlib import Path


def row(step: int, seconds: float = 0.5, **more: float) -> LogRow:
    return {
        "step": step,
        "loss": 4.0 - step / 10,
        "seconds": seconds,
        "supervised_tokens_per_s": 100 / seconds,
        "computed_tokens": 400,
        **more,
    }


def append(path: Path, *rows: LogRow) -> None:
    with path.open("a") as file:
        for one in rows:
            file.write(json.dumps(one) + "\n")


class Told:
    def __init__(self) -> None:
        self.progress: list[tuple[str, int, int, str]] = []
        self.tracked: list[int] = []
        self.closed = False

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        self.progress.append((stage, done, total, note))

    def track(self, variant: str, row: LogRow) -> None:
        self.tracked.append(int(row["step"]))

    def close(self) -> None:
        self.closed = True


def test_a_line_that_is_being_written_comes_later(tmp_path: Path) -> None:
    log = LiveLog(tmp_path / "live.jsonl")
    assert log.new_rows() == []
    append(tmp_path / "live.jsonl", row(1))
    with (tmp_path / "live.jsonl").open("a") as file:
        file.write('{"step": 2, "lo')
    assert [one["step"] for one in log.new_rows()] == [1]
    with (tmp_path / "live.jsonl").open("a") as file:
        file.write('ss": 3.0}\n')
    assert [one["step"] for one in log.new_rows()] == [2]
    assert log.new_rows() == []


def test_the_phrase_says_speed_memory_use_and_what_is_left() -> None:
    pace = Pace(steps=100)
    pace.add(row(9))
    pace.add(row(10, memory_mb=812.4, mfu=0.31))
    said = pace.phrase()
    assert said.startswith("loss 3.00, 200 of 800 tokens/s supervised, MFU 31%, ")
    assert "812 MB" in said
    assert said.endswith("0:45 left")  # 90 steps of half a second


def test_without_a_known_card_nothing_is_said_of_its_use() -> None:
    pace = Pace(steps=10)
    pace.add(row(10, memory_mb=5))
    assert "MFU" not in pace.phrase()
    assert "left" not in pace.phrase()


def test_a_restart_begins_the_pace_anew() -> None:
    pace = Pace(steps=20)
    pace.add(row(10, seconds=0.1))
    pace.add(row(7, seconds=1.0))
    assert pace.left_s == 13.0


def test_clock() -> None:
    assert [clock(seconds) for seconds in (0.4, 61, 3725)] == ["0:00", "1:01", "1:02:05"]


def test_repeated_steps_are_tracked_once_and_the_last_look_misses_nothing(tmp_path: Path) -> None:
    path, told = tmp_path / "live.jsonl", Told()
    with Watch([Watched("real", path, 5)], told, [told]):
        append(path, row(1), row(2), row(3), row(3), row(4), row(5))
    assert told.tracked == [1, 2, 3, 4, 5]
    assert told.progress[-1][:3] == ("train real", 5, 5)
    assert told.closed
