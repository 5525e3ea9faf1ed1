from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from corpus.blend import blend
from corpus.ingest import ingest
from corpus.signoff import ALL, sign_off
from domain.runfolder import RunFolder
from domain.settings import EngineSettings, Settings, TrainingSettings
from training.base import ensure_base
from training.examples import TrainingExample
from training.heldout import RESULT_FILE, HeldOutLosses, losses_under, unigram_losses
from training.memory import ROW_TOKENS
from training.run import train_variants

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = Settings(
    name="annomi",
    engine=EngineSettings(kind="inline"),
    training=TrainingSettings(
        variants=("real", "shuffled"),
        supervised_tokens=60_000,
        tokens_per_step=1_000,
        max_length=512,
        learning_rate=1e-2,
    ),
)


def test_unigram_is_add_one_over_supervised_tokens() -> None:
    mask = np.array([False, True, True, True])
    seen = [TrainingExample("a", np.array([9, 1, 1, 2]), mask)]
    asked = [TrainingExample("b", np.array([9, 1, 2, 3]), mask)]
    # vocabulary of 10: p(1) = 3/13, p(2) = 2/13, p(3) = 1/13; token 9 is not supervised
    expected = -sum(math.log(count / 13) for count in (3, 2, 1))
    assert unigram_losses(seen, asked, 10) == [pytest.approx(expected)]


@pytest.mark.slow
def test_real_adapter_learns_to_answer_real_people(real_data: Path, tmp_path: Path) -> None:
    """On turns of videos nobody was trained on: below base, word counts and shuffled answers."""
    folder = RunFolder(tmp_path / "run")
    source = real_data / "annomi" / "annomi-dev.csv"
    ingest(source, folder, SETTINGS.corpus)
    sign_off(folder, "a test", reject=(ALL,))
    blend(SETTINGS, folder)
    train_variants(SETTINGS, folder, ensure_base(tmp_path / "bases"))
    losses = HeldOutLosses.model_validate_json((folder.training / RESULT_FILE).read_bytes())
    real = losses.mean("real")
    assert real < losses.mean("base")
    assert real < losses.mean("unigram")
    assert real < losses.mean("shuffled")


def test_losses_of_a_row_are_those_of_each_by_itself(
    small_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = np.random.default_rng(0)
    examples = []
    for length in (30, 7, 40, 12, 25):
        mask = draw.random(length) < 0.5
        mask[0] = False
        examples.append(TrainingExample("x", draw.integers(0, 60, length), mask))
    monkeypatch.setitem(ROW_TOKENS, "cpu", 60)
    together = losses_under(str(small_base), None, examples)
    monkeypatch.setitem(ROW_TOKENS, "cpu", 1)
    alone = losses_under(str(small_base), None, examples)
    assert len(together) == len(examples)
    assert together == pytest.approx(alone, rel=1e-5)
