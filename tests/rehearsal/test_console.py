from __future__ import annotations

from types import SimpleNamespace

import pytest

from rehearsal import console
from rehearsal.console import PlainLines, wrapped


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(console, "time", SimpleNamespace(monotonic=made.monotonic))
    return made


def test_a_line_at_each_twentieth(clock: Clock) -> None:
    said: list[str] = []
    lines = PlainLines(said.append)
    for done in range(201):
        lines("sessions", done, 200)
        clock.now += 1
    assert len(said) == 21
    assert said[0] == "sessions: 0 of 200"
    assert said[1] == "sessions: 10 of 200 after 10 s"
    assert said[-1] == "sessions: 200 of 200 in 200 s"


def test_a_line_each_half_minute_though_nothing_ends(clock: Clock) -> None:
    said: list[str] = []
    lines = PlainLines(said.append)
    lines("sessions", 0, 200, "paused")
    for _ in range(95):
        clock.now += 1
        lines.beat()
    assert said == [
        "sessions: 0 of 200 (paused)",
        *(f"sessions: 0 of 200 after {after} s (paused)" for after in (30, 60, 90)),
    ]
    lines("sessions", 200, 200)
    clock.now += 100
    lines.beat()
    assert len(said) == 5


def test_training_has_a_line_at_each_quarter_and_no_other(clock: Clock) -> None:
    said: list[str] = []
    lines = PlainLines(said.append)
    for step in range(1, 61):
        lines("train real", step, 60, "loss 3.00")
        for _ in range(40):
            clock.now += 1
            lines.beat()
    assert [line.split(" after")[0].split(" in")[0] for line in said] == [
        f"train real: {step} of 60{' (loss 3.00)' if step == 1 else ''}"
        for step in (1, 15, 30, 45, 60)
    ]


def test_quick_work_is_not_told_step_by_step(clock: Clock) -> None:
    said: list[str] = []
    lines = PlainLines(said.append)
    for done in range(201):
        lines("sessions", done, 200)
        clock.now += 1 / 64
    told = [int(line.split()[1]) for line in said]
    assert told == [0, 64, 128, 192, 200]


def test_a_step_without_parts(clock: Clock) -> None:
    said: list[str] = []
    lines = PlainLines(said.append)
    lines("starting Ray", 0, 1, "takes a while")
    clock.now += 12
    lines("starting Ray", 1, 1)
    assert said == ["starting Ray … (takes a while)", "starting Ray: done in 12 s"]


def test_words_are_never_broken() -> None:
    path = "/a/very/long/path/" + "x" * 60
    text = f"one two three {path} four-five six"
    assert wrapped(text, 20, "  ").splitlines() == [
        "one two three", f"  {path}", "  four-five six",
    ]  # fmt: skip
    assert wrapped(text, None) == text
