from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

import tests.training.bucket  # noqa: F401 - makes bucket:// known
from domain.errors import ConfigError, StoreError
from domain.settings import TrainingSettings
from training.storage import MARK, open_storage

if TYPE_CHECKING:
    from pathlib import Path


def test_the_runs_own_folder_unless_another_is_named(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "a"
    assert open_storage(None, run, "real").folder == run / "training" / "real"
    for address in (str(tmp_path / "big"), f"file://{tmp_path}/big"):
        assert open_storage(address, run, "real").folder == tmp_path / "big" / "a" / "real"


def test_an_object_store_is_no_folder(tmp_path: Path) -> None:
    storage = open_storage("s3://bucket/there?region=eu-central-1", tmp_path / "a", "real")
    assert storage.folder is None
    assert storage.path == "bucket/there/a/real"


@pytest.mark.parametrize("kind", ["", "file://", "bucket://"])
def test_a_claim_clears_what_belonged_to_other_settings(kind: str, tmp_path: Path) -> None:
    storage = open_storage(f"{kind}{tmp_path}/there", tmp_path / "a", "real")
    assert storage.mark() is None
    storage.claim(b"first")
    place = tmp_path / "there" / "a" / "real"
    (place / "checkpoint-1").mkdir()
    (place / "checkpoint-1" / "weights").write_text("old")
    (place / "snapshot.json").write_text("{}")
    assert storage.mark() == b"first"
    storage.claim(b"second")
    assert storage.mark() == b"second"
    assert [path.name for path in place.iterdir()] == [MARK]


def test_what_is_not_ours_is_not_cleared(tmp_path: Path) -> None:
    place = tmp_path / "there" / "a" / "real"
    place.mkdir(parents=True)
    (place / "thesis.tex").write_text("years of work")
    with pytest.raises(StoreError, match="something else") as raised:
        open_storage(str(tmp_path / "there"), tmp_path / "a", "real").claim(b"mine")
    assert raised.value.got == "thesis.tex"
    assert (place / "thesis.tex").read_text() == "years of work"


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("a file")
    with pytest.raises(StoreError, match="cannot be written"):
        open_storage(str(tmp_path / "there"), tmp_path / "a", "real").claim(b"mine")


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such kind of storage") as raised:
        open_storage("carrier-pigeon://roof", tmp_path, "real")
    assert "s3://bucket/folder" in raised.value.expected


def test_keys_do_not_stand_in_a_run_file() -> None:
    with pytest.raises(ValidationError, match="keys go into the environment"):
        TrainingSettings(storage="s3://key:secret@bucket/there")


def test_fewest_workers_stand_first() -> None:
    elastic = TrainingSettings.model_validate({"workers": [1, 4]})
    assert (elastic.fewest_workers, elastic.most_workers) == (1, 4)
    with pytest.raises(ValidationError):
        TrainingSettings.model_validate({"workers": [4, 1]})
    with pytest.raises(ValidationError):
        TrainingSettings.model_validate({"workers": 0})
