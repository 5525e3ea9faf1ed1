from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from corpus.files import write_nouns
from domain.errors import TrainingError
from tests.training.talk import record
from training.examples import TrainingExample, stream_conversations
from training.stopping import Stopping, groups_for_stopping, write_stopping_set

if TYPE_CHECKING:
    from pathlib import Path

SOME: list[TrainingExample] = [None]  # type: ignore[list-item]  # only whether there are any


def log_of(*losses: float) -> list[dict[str, float]]:
    return [{"step": n, "held_out_loss": loss} for n, loss in enumerate(losses, start=1)]


def test_it_ends_when_nothing_became_better_for_long_enough() -> None:
    stopping = Stopping(patience=2, steps=100, examples=SOME)
    assert not stopping.ended([])
    assert not stopping.ended(log_of(3.0, 2.0, 2.5))
    assert not stopping.ended(log_of(3.0, 2.0, 2.5, 1.9, 2.0))
    assert stopping.ended(log_of(3.0, 2.0, 2.5, 2.0))
    assert stopping.is_best(log_of(3.0, 2.0))
    assert not stopping.is_best(log_of(3.0, 2.0, 2.0))


def test_without_patience_it_ends_with_the_last_step() -> None:
    stopping = Stopping(patience=None, steps=4, examples=SOME)
    assert not any(stopping.due(log_of(*[1.0] * n)) for n in range(1, 5))
    assert not stopping.ended(log_of(1.0, 2.0, 3.0))
    assert stopping.ended(log_of(1.0, 2.0, 3.0, 4.0))


def test_a_run_is_measured_ten_times() -> None:
    stopping = Stopping(patience=3, steps=95, examples=SOME)
    due = [n for n in range(1, 96) if stopping.due([{}] * n)]
    assert due == [10, 20, 30, 40, 50, 60, 70, 80, 90, 95]


def test_one_group_in_four_is_stopped_on(tmp_path: Path) -> None:
    records = [record(number) for number in range(8)]
    chosen = groups_for_stopping(records)
    assert len(chosen) == 2
    write_nouns(tmp_path / "held-out.jsonl", records)
    write_stopping_set(tmp_path / "held-out.jsonl", tmp_path / "made" / "stopping.jsonl")
    written = list(stream_conversations(tmp_path / "made" / "stopping.jsonl", "x"))
    assert {one.record_id for one in written} == {one.id for one in records if one.group in chosen}


def test_one_group_is_too_few(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="too few held-out"):
        groups_for_stopping([record(1), record(1)])
    with pytest.raises(TrainingError, match="too few held-out"):
        write_stopping_set(tmp_path / "nothing", tmp_path / "stopping.jsonl")
