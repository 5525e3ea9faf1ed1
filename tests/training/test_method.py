from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import load_file

from corpus.files import write_nouns
from domain.errors import EvaluationError, TrainingError
from domain.runfolder import RunFolder
from domain.settings import EngineSettings, LoraSettings, Settings, TrainingSettings
from evaluation.candidates.adapters import check_adapter, is_whole
from tests.training.talk import jsonl, record, write_blend
from training.heldout import read_held_out
from training.method import adapt, check_method, generation_config, load_trained
from training.models import load_base, load_tokenizer
from training.run import train_variants
from training.summary import read_log

if TYPE_CHECKING:
    from pathlib import Path

CPU = torch.device("cpu")
KINDS: dict[str, dict[str, Any]] = {
    "lora": {"lora": {"r": 4, "alpha": 8, "dropout": 0.1}},
    "named": {"lora": {"r": 4, "target_modules": ("q_proj", "v_proj")}},
    "rslora": {"lora": {"r": 4, "alpha": 8, "rslora": True}},
    "dora": {"lora": {"r": 4, "dora": True, "target_modules": ("gate_proj", "up_proj")}},
    "full": {"method": "full", "learning_rate": 2e-3},
}


def settings_of(kind: str) -> Settings:
    training = {
        "variants": ("real",),
        "supervised_tokens": 600,
        "tokens_per_step": 150,
        "max_length": 256,
        "learning_rate": 0.01,
        **KINDS[kind],
    }
    return Settings(
        name="kinds",
        engine=EngineSettings(kind="inline"),
        training=TrainingSettings.model_validate(training),
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, small_base: Path) -> dict[str, RunFolder]:
    folders = {}
    for kind in KINDS:
        folder = RunFolder(tmp_path_factory.mktemp(kind))
        write_blend(folder, "real", jsonl(4))
        write_nouns(folder.held_out, [record(number) for number in range(2)])
        train_variants(settings_of(kind), folder, small_base)
        folders[kind] = folder
    return folders


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_learns_and_is_measured(trained: dict[str, RunFolder], kind: str) -> None:
    log = read_log(trained[kind].adapters / "real")
    assert log[-1]["loss"] < log[0]["loss"]
    losses = read_held_out(trained[kind])
    assert losses is not None
    assert losses.mean("real") < losses.mean("base")


def test_config_says_the_kind(trained: dict[str, RunFolder]) -> None:
    configs = {
        kind: json.loads((folder.adapters / "real" / "adapter_config.json").read_text())
        for kind, folder in trained.items()
        if kind != "full"
    }
    assert {kind: one["use_rslora"] for kind, one in configs.items()} == {
        "lora": False, "named": False, "rslora": True, "dora": False,
    }  # fmt: skip
    assert [kind for kind, one in configs.items() if one["use_dora"]] == ["dora"]
    assert set(configs["named"]["target_modules"]) == {"q_proj", "v_proj"}
    assert len({name.split(".")[-1] for name in configs["lora"]["target_modules"]}) == 7
    assert configs["lora"]["lora_dropout"] == 0.1


def test_rslora_scales_by_the_root_of_the_rank(small_base: Path) -> None:
    scales = []
    for rslora in (False, True):
        lora = LoraSettings(r=16, alpha=8, rslora=rslora)
        model = adapt(load_base(str(small_base), CPU), TrainingSettings(lora=lora), "base")
        layer = next(one for one in model.modules() if hasattr(one, "lora_A"))
        scales.append(layer.scaling["default"])
    assert scales == [pytest.approx(8 / 16), pytest.approx(8 / math.sqrt(16))]


def test_dora_learns_magnitudes(trained: dict[str, RunFolder]) -> None:
    weights = load_file(trained["dora"].adapters / "real" / "adapter_model.safetensors")
    assert any("magnitude" in name for name in weights)


def test_dora_on_rows_of_zeros_is_refused(small_base: Path) -> None:
    """The tiny base has such rows; their direction is 0 / 0, and so would be the loss."""
    settings = TrainingSettings(lora=LoraSettings(dora=True))
    with pytest.raises(TrainingError, match="rows of zeros") as raised:
        adapt(load_base(str(small_base), CPU), settings, "base")
    assert "q_proj" in raised.value.got
    assert "gate_proj" in raised.value.mend


def test_full_writes_a_whole_model_in_safetensors(
    trained: dict[str, RunFolder], small_base: Path
) -> None:
    folder = trained["full"].adapters / "real"
    names = {path.name for path in folder.iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "README.md"} <= names
    assert not any(name.endswith((".bin", ".pt")) or "adapter" in name for name in names)
    before, after = (
        load_file(small_base / "model.safetensors"),
        load_file(folder / "model.safetensors"),
    )
    assert before.keys() == after.keys()
    assert all(not torch.equal(before[name], after[name]) for name in before)
    card = (folder / "README.md").read_text()
    assert "full fine-tuning" in card
    assert "PeftModel" not in card


def test_full_frozen_nothing_and_lora_froze_the_base(small_base: Path) -> None:
    base = str(small_base)
    full = adapt(load_base(base, CPU), settings_of("full").training, "base")
    assert all(weight.requires_grad for weight in full.parameters())
    lora = adapt(load_base(base, CPU), settings_of("lora").training, "base")
    names = [name for name, weight in lora.named_parameters() if weight.requires_grad]
    assert names
    assert all("lora_" in name for name in names)


SMOKE = """
import sys
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

base, trained, kind = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(trained if kind == "full" else base)
if kind != "full":
    model = PeftModel.from_pretrained(model, trained)
tokenizer = AutoTokenizer.from_pretrained(trained if kind == "full" else base)
config = GenerationConfig.from_pretrained(trained)
prompt = tokenizer.apply_chat_template(
    [{"role": "user", "content": "I sat in the car for an hour."}],
    add_generation_prompt=True, return_tensors="pt", return_dict=True,
)
torch.manual_seed(0)
answer = model.generate(**prompt, generation_config=config, min_new_tokens=4,
                        max_new_tokens=12, do_sample=False)
new = answer[0, prompt["input_ids"].shape[1]:].tolist()
assert not {"training", "corpus", "domain", "rehearsal"} & set(sys.modules), "our code was loaded"
print(len(new), repr(tokenizer.decode(new)))
"""


@pytest.mark.parametrize("kind", KINDS)
def test_it_answers_without_our_code(
    trained: dict[str, RunFolder], small_base: Path, tmp_path: Path, kind: str
) -> None:
    done = subprocess.run(  # noqa: S603 - our own lines, no shell
        [sys.executable, "-I", "-c", SMOKE, small_base, trained[kind].adapters / "real", kind],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    count, said = done.stdout.strip().split(" ", 1)
    assert 4 <= int(count) <= 12
    assert len(said) > 2


def test_generation_config_ends_where_a_turn_ends(small_base: Path) -> None:
    tokenizer = load_tokenizer(str(small_base))
    model = load_base(str(small_base), CPU)
    model.generation_config.eos_token_id = 0  # a base that stops at the end of a text only
    made = generation_config(model, tokenizer)
    assert made.eos_token_id == [0, tokenizer.convert_tokens_to_ids("<|end|>")]


def test_qlora_without_bitsandbytes_says_what_to_install(
    small_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    settings = settings_of("lora").model_copy(
        update={"training": TrainingSettings(variants=("real",), lora=LoraSettings(qlora=True))}
    )
    with pytest.raises(TrainingError, match="needs bitsandbytes") as raised:
        train_variants(settings, RunFolder(tmp_path), small_base)
    assert "pip install bitsandbytes" in raised.value.mend


def test_qlora_and_full_exclude_each_other() -> None:
    with pytest.raises(TrainingError, match="4 bits"):
        check_method(TrainingSettings(method="full", lora=LoraSettings(qlora=True)))


def test_targets_that_the_base_lacks_are_named(small_base: Path) -> None:
    settings = TrainingSettings(lora=LoraSettings(target_modules=("no_such_proj",)))
    with pytest.raises(TrainingError, match="target modules") as raised:
        adapt(load_base(str(small_base), CPU), settings, "base")
    assert "no_such_proj" in raised.value.got


def test_an_adapter_of_another_base_is_refused(
    trained: dict[str, RunFolder], tmp_path: Path
) -> None:
    from dataclasses import replace

    from tests.training.conftest import SMALL
    from training.base import ensure_base

    other = ensure_base(tmp_path, recipe=replace(SMALL, inner=96, steps=1))
    with pytest.raises(TrainingError, match="onto the base"):
        load_trained(str(other), trained["lora"].adapters / "real", CPU)


def test_the_evaluation_tells_an_adapter_from_a_whole_model(
    trained: dict[str, RunFolder],
) -> None:
    adapter, whole = (trained[kind].adapters / "real" for kind in ("lora", "full"))
    check_adapter("real", adapter)
    assert (is_whole(adapter), is_whole(whole)) == (False, True)
    with pytest.raises(EvaluationError, match="not an adapter"):
        check_adapter("real", whole)
