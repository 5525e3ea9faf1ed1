from __future__ import annotations

import logging
import struct
from typing import TYPE_CHECKING

import pytest
from tensorboardX.proto.event_pb2 import Event

from domain.errors import ConfigError
from domain.settings import TrainingSettings
from training import trackers
from training.trackers import check_trackers, open_trackers

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [{"step": step, "loss": 5.0 - step, "tokens_per_s": 100.0 * step} for step in (1, 2, 3)]


def scalars(folder: Path, name: str) -> list[tuple[int, float]]:
    """What TensorBoard would draw: event files are length-prefixed protobuf records."""
    found = []
    for path in sorted(folder.glob("events.out.*")):
        data = path.read_bytes()
        at = 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            event = Event.FromString(data[at + 12 : at + 12 + length])
            at += 12 + length + 4
            found += [(event.step, v.simple_value) for v in event.summary.value if v.tag == name]
    return found


def test_tensorboard_gets_every_number_of_every_variant(tmp_path: Path) -> None:
    [opened] = open_trackers(TrainingSettings(trackers=("tensorboard",)), "run", tmp_path)
    for variant in ("real", "hybrid"):
        for row in ROWS:
            opened.track(variant, row)
    opened.close()
    for variant in ("real", "hybrid"):
        folder = tmp_path / "tensorboard" / variant
        assert scalars(folder, "train/loss") == [(1, 4.0), (2, 3.0), (3, 2.0)]
        assert scalars(folder, "train/tokens_per_s") == [(1, 100.0), (2, 200.0), (3, 300.0)]


def test_none_is_opened_unless_it_is_named(tmp_path: Path) -> None:
    assert open_trackers(TrainingSettings(), "run", tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_one_that_is_not_installed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(trackers.PACKAGES, "wandb", "no_such_package_here")
    with pytest.raises(ConfigError, match="wandb is not installed") as raised:
        check_trackers(TrainingSettings(trackers=("tensorboard", "wandb")))
    assert raised.value.exit_code == 2
    assert "pip install" in raised.value.mend
    check_trackers(TrainingSettings(trackers=("tensorboard",)))


def test_a_tracker_that_fails_is_dropped_and_training_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "tensorboard").write_text("a file where a folder should be")
    [opened] = open_trackers(TrainingSettings(trackers=("tensorboard",)), "run", tmp_path)
    with caplog.at_level(logging.WARNING):
        for row in ROWS:
            opened.track("real", row)
        opened.close()
    assert len([one for one in caplog.records if "no longer told" in one.message]) == 1
