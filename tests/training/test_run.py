from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from corpus.files import write_nouns
from domain.errors import ConfigError, TrainingError
from domain.runfolder import RunFolder
from domain.settings import EngineSettings, Settings, TrainingSettings
from tests.training.talk import jsonl, record, write_blend
from training.heldout import RESULT_FILE, HeldOutLosses
from training.run import train_variants

if TYPE_CHECKING:
    from pathlib import Path

    from training.summary import TrainSummary

SETTINGS = Settings(
    name="test",
    engine=EngineSettings(kind="inline"),
    training=TrainingSettings(
        variants=("real", "hybrid"),
        supervised_tokens=600,
        tokens_per_step=150,
        max_length=256,
        learning_rate=0.01,
    ),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    made = RunFolder(tmp_path_factory.mktemp("run with spaces"))
    write_blend(made, "real", jsonl(3))
    write_blend(made, "hybrid", jsonl(8))
    write_nouns(made.held_out, [record(number) for number in range(3)])
    return made


@pytest.fixture(scope="module")
def trained(folder: RunFolder, small_base: Path) -> dict[str, TrainSummary]:
    return train_variants(SETTINGS, folder, small_base)


def test_variants_are_trained_on_equally_many_tokens(trained: dict[str, TrainSummary]) -> None:
    assert list(trained) == ["real", "hybrid"]
    assert {one.supervised_tokens for one in trained.values()} == {600}
    assert trained["real"].steps == trained["hybrid"].steps
    assert trained["real"].epochs > trained["hybrid"].epochs


def test_adapter_loads_with_plain_peft_and_answers(
    trained: dict[str, TrainSummary], folder: RunFolder, small_base: Path
) -> None:
    base = AutoModelForCausalLM.from_pretrained(small_base)
    tokenizer = AutoTokenizer.from_pretrained(small_base)
    model: Any = PeftModel.from_pretrained(base, str(folder.adapters / "real"))
    prompt: Any = tokenizer.apply_chat_template(
        [{"role": "user", "content": "I sat in the car."}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    torch.manual_seed(0)
    answer = model.generate(**prompt, max_new_tokens=8, do_sample=False)
    assert answer.shape[1] > prompt["input_ids"].shape[1]


def test_adapter_folder_is_complete_and_names_no_path(
    trained: dict[str, TrainSummary], folder: RunFolder, small_base: Path
) -> None:
    adapter = folder.adapters / "hybrid"
    assert {path.name for path in adapter.iterdir()} == {
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "generation_config.json",
        "train-log.jsonl",
        "training.json",
    }
    config = json.loads((adapter / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == small_base.name
    card = (adapter / "README.md").read_text()
    assert "Not a clinical device" in card
    assert trained["hybrid"].blend_hash in card
    assert str(folder.root) not in card


def test_held_out_losses_are_written_for_every_model(
    trained: dict[str, TrainSummary], folder: RunFolder
) -> None:
    losses = HeldOutLosses.model_validate_json((folder.training / RESULT_FILE).read_bytes())
    assert [one.model for one in losses.models] == ["unigram", "base", "real", "hybrid"]
    assert losses.sessions == 3
    for one in losses.models:
        assert sum(part.tokens for part in one.records) == losses.tokens
        total = sum(part.loss_sum for part in one.records)
        assert one.mean == pytest.approx(total / losses.tokens)
    assert losses.mean("real") < losses.mean("base")


def test_a_finished_adapter_is_kept_and_a_changed_blend_is_not(
    trained: dict[str, TrainSummary], folder: RunFolder, small_base: Path
) -> None:
    before = (folder.adapters / "real" / "training.json").stat().st_mtime_ns
    write_blend(folder, "hybrid", jsonl(9))
    again = train_variants(SETTINGS, folder, small_base)
    assert again["real"] == trained["real"]
    assert (folder.adapters / "real" / "training.json").stat().st_mtime_ns == before
    assert again["hybrid"].blend_hash != trained["hybrid"].blend_hash


def test_several_workers_need_ray(small_base: Path, tmp_path: Path) -> None:
    training = SETTINGS.training.model_copy(update={"workers": 2})
    settings = SETTINGS.model_copy(update={"training": training})
    with pytest.raises(ConfigError, match="needs Ray"):
        train_variants(settings, RunFolder(tmp_path), small_base)


def test_a_missing_blend_stops_before_anything_is_trained(small_base: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="blend cannot be read"):
        train_variants(SETTINGS, RunFolder(tmp_path), small_base)
    assert not (tmp_path / "adapters").exists()
