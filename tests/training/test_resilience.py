"""What a death costs: a rank that is killed, a storage elsewhere, room that changes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

import tests.training.bucket  # noqa: F401 - makes bucket:// known
from benchmarks.deaths import Counting, Killer
from domain.errors import TrainingError
from domain.runfolder import RunFolder
from domain.settings import Settings, TrainingSettings
from tests.training.talk import jsonl, write_blend
from training import raytrain
from training.live import LiveLog
from training.run import train_variants
from training.summary import read_log

if TYPE_CHECKING:
    from pathlib import Path

    from domain.settings import Variant

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("local_ray")]

STEPS, CHECKPOINTS = 24, 4
INTERVAL = STEPS // CHECKPOINTS


def settings(**training: object) -> Settings:
    return Settings(
        name="resilience",
        training=TrainingSettings.model_validate(
            {
                "variants": ("real",),
                "supervised_tokens": STEPS * 400,
                "tokens_per_step": 400,
                "max_length": 256,
                "learning_rate": 0.005,
                "checkpoints": CHECKPOINTS,
                **training,
            }
        ),
    )


def a_run(root: Path, variant: Variant = "real") -> RunFolder:
    folder = RunFolder(root)
    write_blend(folder, variant, jsonl(12, exchanges=12))
    return folder


def live(folder: RunFolder) -> list[int]:
    rows = LiveLog(folder.training / "real" / "live.jsonl").new_rows()
    return [int(row["step"]) for row in rows]


def losses(folder: RunFolder) -> list[float]:
    log = read_log(folder.adapters / "real")
    assert [row["step"] for row in log] == list(range(1, STEPS + 1))
    return [row["loss"] for row in log]


@pytest.fixture(scope="module")
def undisturbed(
    local_ray: None, small_base: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[float]:
    folder = a_run(tmp_path_factory.mktemp("undisturbed"))
    train_variants(settings(), folder, small_base)
    assert live(folder) == list(range(1, STEPS + 1))
    return losses(folder)


def test_a_killed_worker_costs_one_interval_at_most_and_changes_nothing(
    undisturbed: list[float], small_base: Path, tmp_path: Path
) -> None:
    folder = a_run(tmp_path)
    # Just after a checkpoint is where an unregistered one would be lost, and with it an interval.
    with Killer(folder.training / "real" / "live.jsonl", step=2 * INTERVAL + 1) as killer:
        train_variants(settings(), folder, small_base)
    assert killer.killed is not None
    steps = live(folder)
    again = [step for step, times in Counter(steps).items() if times > 1]
    assert len(steps) <= STEPS + INTERVAL
    assert all(step > 2 * INTERVAL for step in again), "the last checkpoint was not gone on from"
    assert losses(folder) == pytest.approx(undisturbed, rel=1e-5)


def test_a_worker_that_dies_too_often_ends_the_run_and_the_next_goes_on(
    undisturbed: list[float], small_base: Path, tmp_path: Path
) -> None:
    folder = a_run(tmp_path)
    log = folder.training / "real" / "live.jsonl"
    with Killer(log, step=INTERVAL + 1), pytest.raises(TrainingError) as raised:
        train_variants(settings(max_failures=0), folder, small_base)
    assert "died" in raised.value.what
    assert "goes on" in raised.value.mend
    assert not (folder.adapters / "real").exists()
    train_variants(settings(max_failures=0), folder, small_base)
    assert live(folder)[0] > INTERVAL, "begun anew"
    assert losses(folder) == pytest.approx(undisturbed, rel=1e-5)


@pytest.mark.parametrize("kind", ["file", "bucket"])
def test_checkpoints_may_lie_elsewhere(
    kind: str, undisturbed: list[float], small_base: Path, tmp_path: Path
) -> None:
    folder = a_run(tmp_path / "run")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    stored = settings(storage=f"{kind}://{elsewhere}")
    with Killer(folder.training / "real" / "live.jsonl", step=3 * INTERVAL) as killer:
        train_variants(stored, folder, small_base)
    assert killer.killed is not None
    steps = live(folder)
    # To a folder a checkpoint is there when it is reported; to a store it may still be under way.
    lost = INTERVAL if kind == "file" else 2 * INTERVAL
    assert STEPS < len(steps) <= STEPS + lost
    assert losses(folder) == pytest.approx(undisturbed, rel=1e-5)
    kept = [path.name for path in (elsewhere / "run" / "real").glob("checkpoint*")]
    assert len([name for name in kept if "manager" not in name]) == raytrain.KEPT
    assert not list((folder.training / "real").glob("checkpoint*"))


def test_an_elastic_run_trains_what_a_fixed_one_does(
    undisturbed: list[float], small_base: Path, tmp_path: Path
) -> None:
    folder = a_run(tmp_path)
    with Counting() as counting:
        train_variants(settings(workers=(1, 2)), folder, small_base)
    assert counting.most == 2, "there was room for two"
    assert losses(folder) == pytest.approx(undisturbed, rel=1e-3)


def test_our_own_failure_is_not_tried_again(small_base: Path, tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    with pytest.raises(TrainingError, match="no longer a number") as raised:
        train_variants(settings(learning_rate=1e30), folder, small_base)
    assert "learning_rate" in raised.value.mend
    steps = live(folder)
    assert len(steps) == len(set(steps)), "the same steps were taken again"
    assert not (folder.adapters / "real").exists()
