"""Checkpoints that are damaged, in a folder and in Ray Train's list of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import save_file

import tests.training.bucket  # noqa: F401 - makes bucket:// known
from domain.runfolder import RunFolder
from tests.training.talk import jsonl, write_blend
from tests.training.test_resilience import INTERVAL, STEPS, live, losses, settings
from training.checkpoints import last_checkpoint
from training.live import LiveLog
from training.run import train_variants
from training.salvage import REGISTER, drop_damaged
from training.storage import open_storage

if TYPE_CHECKING:
    from training.storage import Storage

NAMES = ("checkpoint-00000006", "checkpoint-00000012", "checkpoint-00000018")


def checkpoint(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in ("adapter_model.safetensors", "trainer.safetensors"):
        save_file({"a": torch.ones(3), "b": torch.ones(2, 2)}, folder / name)
    (folder / "train-log.jsonl").write_text('{"step": 1}\n{"step": 2}\n')


@pytest.fixture(params=["", "bucket://"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    made = open_storage(f"{request.param}{tmp_path}/there", tmp_path / "run", "real")
    for name in NAMES:
        checkpoint(place(made) / name)
    results = [{"version": 0, "checkpoint_dir_name": name, "metrics": {}} for name in NAMES]
    register = {
        "checkpoint_results": results,
        "checkpoint_report_indices": [0, 1, 2],
        "latest_checkpoint_result": results[-1],
    }
    (place(made) / REGISTER).write_text(json.dumps(register))
    return made


def place(storage: Storage) -> Path:
    """Where it lies on this machine, also what is reached as a bucket."""
    return Path("/", storage.path)


def test_whole_checkpoints_stay(storage: Storage) -> None:
    before = (place(storage) / REGISTER).read_bytes()
    assert drop_damaged(storage) == []
    assert sorted(path.name for path in place(storage).glob("checkpoint-*")) == list(NAMES)
    assert (place(storage) / REGISTER).read_bytes() == before


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "trainer.safetensors"])
@pytest.mark.parametrize("size", [0, 7, 40, -1])
def test_a_file_that_is_cut_off_anywhere_is_seen(name: str, size: int, storage: Storage) -> None:
    path = place(storage) / NAMES[2] / name
    path.write_bytes(path.read_bytes()[:size])
    [damage] = drop_damaged(storage)
    assert str(damage).startswith(f"{NAMES[2]}: {name}: ")
    last = last_checkpoint(place(storage))
    assert last is not None
    assert last.name == NAMES[1]


@pytest.mark.parametrize("name", ["train-log.jsonl", "trainer.safetensors"])
def test_a_file_that_is_missing_or_no_such_file_is_seen(name: str, storage: Storage) -> None:
    (place(storage) / NAMES[2] / name).unlink()
    (place(storage) / NAMES[1] / name).write_bytes(b'\x02\0\0\0\0\0\0\0[]{"loss": 1')
    assert [one.name for one in drop_damaged(storage)] == [NAMES[1], NAMES[2]]


def test_rays_list_names_what_is_left(storage: Storage) -> None:
    (place(storage) / NAMES[2] / "trainer.safetensors").unlink()
    drop_damaged(storage)
    left = json.loads((place(storage) / REGISTER).read_text())
    assert [one["checkpoint_dir_name"] for one in left["checkpoint_results"]] == list(NAMES[:2])
    assert left["checkpoint_report_indices"] == [0, 1]
    assert left["latest_checkpoint_result"]["checkpoint_dir_name"] == NAMES[1]
    for name in NAMES[:2]:
        (place(storage) / name / "trainer.safetensors").unlink()
    drop_damaged(storage)
    assert json.loads((place(storage) / REGISTER).read_text())["latest_checkpoint_result"] is None


def test_a_list_that_is_cut_off_is_taken_away(storage: Storage) -> None:
    (place(storage) / REGISTER).write_text('{"checkpoint_res')
    [damage] = drop_damaged(storage)
    assert damage.name == REGISTER
    assert not (place(storage) / REGISTER).exists()


@pytest.mark.ray
def test_a_run_on_ray_goes_on_from_the_checkpoint_before_or_from_the_start(
    local_ray: None, small_base: Path, tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path)
    write_blend(folder, "real", jsonl(12, exchanges=12))
    train_variants(settings(), folder, small_base)
    expected, own = losses(folder), folder.training / "real"
    told: list[str] = []

    def hear(stage: str, done: int, total: int, note: str = "") -> None:
        told.append(note)

    for whole_up_to in (STEPS - INTERVAL, 0):
        (folder.adapters / "real" / "training.json").unlink()
        for path in own.glob("checkpoint-*/trainer.safetensors"):
            if int(path.parent.name.removeprefix("checkpoint-")) > whole_up_to:
                path.write_bytes(path.read_bytes()[:1000])
        told.clear()
        train_variants(settings(), folder, small_base, hear)
        assert any("passed over as damaged: checkpoint-" in note for note in told)
        assert live(folder) == list(range(whole_up_to + 1, STEPS + 1))
        assert losses(folder) == pytest.approx(expected, rel=1e-5)
    (folder.adapters / "real" / "adapter_model.safetensors").unlink()
    train_variants(settings(), folder, small_base)
    assert LiveLog(own / "live.jsonl").new_rows() == [], "the last checkpoint was whole"
    assert losses(folder) == pytest.approx(expected, rel=1e-5)
