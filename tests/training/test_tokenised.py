from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from domain.errors import StoreError
from training.batches import plan_steps
from training.examples import TrainingExample
from training.tokenised import Tokenised, write_tokenised

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def made(count: int) -> list[TrainingExample]:
    rng = np.random.default_rng(3)
    examples = []
    for number in range(count):
        length = int(rng.integers(2, 40))
        mask = rng.random(length) < 0.5
        mask[0] = False
        ids = rng.integers(0, 1000, length)
        examples.append(TrainingExample(f"séance-{number}", ids, mask))
    return examples


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    examples = made(50)
    stored = write_tokenised(tmp_path / "key", iter(examples))
    assert len(stored) == 50
    for one, got in zip(examples, stored, strict=True):
        assert got.record_id == one.record_id
        assert got.input_ids.tolist() == one.input_ids.tolist()
        assert got.loss_mask.tolist() == one.loss_mask.tolist()
    assert stored.supervised.tolist() == [one.supervised for one in examples]
    assert stored[-1].record_id == "séance-49"
    with pytest.raises(IndexError):
        stored[50]


def test_arrays_are_mapped_not_read(tmp_path: Path) -> None:
    stored = write_tokenised(tmp_path / "key", made(5))
    arrays = [value for value in vars(stored).values() if isinstance(value, np.ndarray)]
    assert len(arrays) == 6
    assert all(isinstance(array, np.memmap) for array in arrays)


def test_a_plan_of_stored_sequences_is_that_of_the_sequences(tmp_path: Path) -> None:
    examples = made(30)
    plans = [
        plan_steps(source, 700, 100, seed=1)
        for source in (examples, write_tokenised(tmp_path / "key", examples))
    ]
    for one, other in zip(plans[0].steps, plans[1].steps, strict=True):
        assert [e.input_ids.tolist() for e in one] == [e.input_ids.tolist() for e in other]
        assert [e.loss_mask.tolist() for e in one] == [e.loss_mask.tolist() for e in other]


def test_a_write_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def breaks() -> Iterator[TrainingExample]:
        yield from made(3)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_tokenised(tmp_path / "key", breaks())
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    write_tokenised(tmp_path / "key", made(3))

    def never() -> Iterator[TrainingExample]:
        raise AssertionError
        yield

    assert len(write_tokenised(tmp_path / "key", never())) == 3


def test_a_broken_folder_is_named(tmp_path: Path) -> None:
    write_tokenised(tmp_path / "key", made(3))
    (tmp_path / "key" / "tokens.npy").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot be read") as raised:
        Tokenised(tmp_path / "key")
    assert raised.value.where == str(tmp_path / "key")
