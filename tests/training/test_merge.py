from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from domain.errors import ConfigError, TrainingError
from domain.runfolder import RunFolder
from tests.training.talk import jsonl, messages, write_blend
from tests.training.test_method import settings_of
from training.merge import merge_adapter
from training.method import load_trained
from training.run import train_variants

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory, small_base: Path) -> Path:
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    write_blend(folder, "real", jsonl(3))
    train_variants(settings_of("lora"), folder, small_base)
    return folder.adapters / "real"


def test_the_merged_model_says_what_base_and_adapter_say(
    adapter: Path, small_base: Path, tmp_path: Path
) -> None:
    merge_adapter(small_base, adapter, tmp_path / "whole")
    whole: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "whole")
    tokenizer: Any = AutoTokenizer.from_pretrained(tmp_path / "whole")
    both: Any = load_trained(str(small_base), adapter, torch.device("cpu"))
    both.eval()
    prompt = tokenizer.apply_chat_template(
        messages(0, 2)[:-1], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    with torch.inference_mode():
        torch.testing.assert_close(
            whole(**prompt).logits, both(**prompt).logits, rtol=1e-4, atol=1e-4
        )
    names = {path.name for path in (tmp_path / "whole").iterdir()}
    assert {"model.safetensors", "generation_config.json", "README.md"} <= names
    assert not any("adapter" in name for name in names)
    card = (tmp_path / "whole" / "README.md").read_text()
    assert "Not a clinical device" in card
    assert "PeftModel" not in card


def test_nothing_is_written_over(adapter: Path, small_base: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="something at the place"):
        merge_adapter(small_base, adapter, tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_what_was_not_trained_cannot_be_merged(small_base: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no adapter to merge"):
        merge_adapter(small_base, tmp_path / "none", tmp_path / "whole")
    with pytest.raises(ConfigError) as raised:
        merge_adapter(small_base, small_base, tmp_path / "whole")
    assert "whole model already" in raised.value.got


def test_damaged_weights_are_named(adapter: Path, small_base: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "run" / "adapters" / "real"
    shutil.copytree(adapter, damaged)
    weights = damaged / "adapter_model.safetensors"
    for size in (5000, 4, weights.stat().st_size - 1):
        shutil.copy(adapter / weights.name, weights)
        with weights.open("r+b") as file:
            file.truncate(size)
        with pytest.raises(TrainingError, match="weights cannot be read") as raised:
            merge_adapter(small_base, damaged, tmp_path / "whole")
        assert raised.value.where == str(weights)
        assert f"{size:,} bytes" in raised.value.got
        assert str(tmp_path / "run") in raised.value.mend
    with pytest.raises(TrainingError, match="weights cannot be read"):
        load_trained(str(small_base), damaged, torch.device("cpu"))
