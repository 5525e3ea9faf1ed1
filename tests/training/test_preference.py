from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file

from corpus.files import write_nouns
from corpus.preference import PairMessage, preference_pairs
from domain.errors import TrainingError
from domain.runfolder import RunFolder
from domain.settings import PreferenceSettings
from tests.corpus.test_preference import FIRST, MENDED, session
from tests.training.talk import jsonl, messages, write_blend
from tests.training.test_method import settings_of
from training.method import load_trained
from training.models import load_tokenizer
from training.preference import (
    PreferenceSummary,
    _trainable,
    _trainer,
    divide,
    rows_of,
    tune,
)
from training.run import train_variants
from training.summary import read_log

if TYPE_CHECKING:
    from pathlib import Path

    from domain.settings import Settings

WANTED = PreferenceSettings(learning_rate=5e-3, epochs=2, batch=4, max_length=256)


def with_preference() -> Settings:
    settings = settings_of("lora")
    training = settings.training.model_copy(update={"preference": WANTED})
    return settings.model_copy(update={"training": training})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, small_base: Path) -> RunFolder:
    made = RunFolder(tmp_path_factory.mktemp("run"))
    write_blend(made, "hybrid", jsonl(4))
    settings = settings_of("lora")
    training = settings.training.model_copy(update={"variants": ("hybrid",)})
    train_variants(settings.model_copy(update={"training": training}), made, small_base)
    write_nouns(made.sessions, [session(FIRST, MENDED, number=n) for n in range(10)])
    return made


@pytest.fixture(scope="module")
def tuned(folder: RunFolder, small_base: Path) -> PreferenceSummary:
    return tune(with_preference(), folder, small_base, "hybrid")


def test_the_preference_carries_over_to_other_sessions(tuned: PreferenceSummary) -> None:
    assert (tuned.pairs, tuned.held_out_pairs, tuned.steps) == (8, 2, 4)
    assert tuned.held_out_loss < 0.693
    assert tuned.held_out_accuracy == 1.0
    assert tuned.held_out_margin > 0


def test_an_adapter_of_its_own_is_written_and_the_first_one_stays(
    tuned: PreferenceSummary, folder: RunFolder, small_base: Path
) -> None:
    before, after = folder.adapters / "hybrid", folder.adapters / tuned.variant
    assert {path.name for path in after.iterdir()} == {
        "README.md", "adapter_config.json", "adapter_model.safetensors", "generation_config.json",
        "preference.json", "train-log.jsonl",
    }  # fmt: skip
    weights = [load_file(one / "adapter_model.safetensors") for one in (before, after)]
    assert weights[0].keys() == weights[1].keys()
    assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert len(read_log(after)) == tuned.steps
    config = json.loads((after / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == small_base.name
    card = (after / "README.md").read_text()
    assert "Not a clinical device" in card
    assert str(folder.root) not in card
    load_trained(str(small_base), after, torch.device("cpu"))


def test_a_sessions_pairs_are_never_on_both_sides(folder: RunFolder) -> None:
    pairs, _ = preference_pairs(folder)
    learned, asked = divide(pairs * 2)
    assert not {one.session for one in learned} & {one.session for one in asked}
    assert len(learned) + len(asked) == 20
    with pytest.raises(TrainingError, match="too few"):
        divide(pairs[:1])


def test_a_long_prompt_loses_its_oldest_turns(folder: RunFolder, small_base: Path) -> None:
    tokenizer = load_tokenizer(str(small_base))
    pair = preference_pairs(folder)[0][0]
    talk = [*messages(0, 30), {"role": "user", "content": "The last word."}]
    long = pair.model_copy(update={"prompt": tuple(PairMessage(**one) for one in talk)})
    [row] = rows_of(tokenizer, [long], 200)
    assert row["prompt"][0]["role"] == "system"
    assert row["prompt"][1]["role"] == "user"
    assert row["prompt"][-1]["content"] == "The last word."
    for answer in (row["chosen"], row["rejected"]):
        ids = tokenizer.apply_chat_template([*row["prompt"], *answer], return_dict=False)
        assert len(ids) <= 200


def test_without_trl_it_says_what_to_install(
    folder: RunFolder, small_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(TrainingError, match="needs TRL") as raised:
        tune(with_preference(), folder, small_base, "hybrid")
    assert 'pip install -e ".[preference]"' in raised.value.mend
    with pytest.raises(TrainingError, match="no adapter to go on from") as raised:
        tune(with_preference(), folder, small_base, "nosuch")
    assert "hybrid" in raised.value.expected


def test_a_variant_that_was_not_trained_is_named(folder: RunFolder, small_base: Path) -> None:
    with pytest.raises(TrainingError, match="no adapter to go on from") as raised:
        tune(with_preference(), folder, small_base, "real")
    assert raised.value.where.endswith("real")


def test_held_out_numbers_are_means_over_pairs(
    folder: RunFolder, small_base: Path, tmp_path: Path
) -> None:
    """Three pairs with batches of two: each must weigh a third."""
    tokenizer = load_tokenizer(str(small_base))
    pairs = preference_pairs(folder)[0][:3]
    told = [
        one.chosen[0].model_copy(update={"content": f"{n} hours? " * n})
        for n, one in enumerate(pairs, start=1)
    ]
    asked = [
        one.model_copy(update={"chosen": (said,)}) for one, said in zip(pairs, told, strict=True)
    ]
    model = _trainable(str(small_base), folder.adapters / "hybrid")
    wanted = WANTED.model_copy(update={"batch": 2})
    trainer = _trainer(model, tokenizer, asked, asked, wanted, 7, tmp_path)
    torch.manual_seed(0)
    with torch.no_grad():  # away from the reference, or every margin is zero
        for name, weight in model.named_parameters():
            if "lora_B.default" in name:
                weight.add_(0.1 * torch.randn_like(weight))
    for key in ("eval_loss", "eval_rewards/margins", "eval_rewards/accuracies"):
        alone = [trainer.evaluate(trainer.eval_dataset.select([n]))[key] for n in range(3)]
        assert trainer.evaluate()[key] == pytest.approx(sum(alone) / 3, abs=1e-5)
        if key != "eval_rewards/accuracies":
            assert len({round(one, 3) for one in alone}) == 3
