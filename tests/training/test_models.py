from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from transformers import BertConfig, T5Config

from domain.errors import TrainingError
from training.models import base_name, check_causal, load_tokenizer

if TYPE_CHECKING:
    from pathlib import Path


def test_a_hub_id_that_cannot_be_reached_says_what_to_do() -> None:
    with pytest.raises(TrainingError, match="cannot be loaded") as raised:
        check_causal("nobody-at-all/no-such-model")
    assert "nobody-at-all/no-such-model" in raised.value.where
    assert "Download" in raised.value.mend


@pytest.mark.parametrize(
    "config",
    [T5Config(architectures=["T5Model"]), BertConfig(architectures=["BertForMaskedLM"])],
    ids=["t5", "bert"],
)
def test_another_kind_of_model_is_refused(config: T5Config | BertConfig, tmp_path: Path) -> None:
    config.save_pretrained(str(tmp_path))
    with pytest.raises(TrainingError, match="not a causal language model"):
        check_causal(str(tmp_path))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError):
        check_causal(str(tmp_path))
    with pytest.raises(TrainingError):
        load_tokenizer(str(tmp_path))


@pytest.mark.parametrize("base", ["/nowhere/model", "./model", "~/model", "models/of/mine"])
def test_a_folder_that_is_not_there_is_called_so(
    base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for load in (check_causal, load_tokenizer):
        with pytest.raises(TrainingError, match="folder is not there") as raised:
            load(base)
        assert raised.value.where == f"training.base: {base}"


def test_a_path_is_never_named(tmp_path: Path) -> None:
    assert base_name(str(tmp_path / "my-model")) == "my-model"
    assert base_name("org/model") == "org/model"
