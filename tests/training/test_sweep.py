from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from corpus.files import write_nouns
from corpus.series import sweep_folder
from corpus.signoff import sign_off
from domain.errors import ConfigError
from domain.record import Deidentification, Origin, Record
from domain.runfolder import RunFolder
from domain.settings import (
    BlendSettings,
    CorpusSettings,
    EngineSettings,
    EvaluationSettings,
    Settings,
    TrainingSettings,
)
from tests.training.talk import record
from training.sweep import RESULT_FILE, Draws, Sweep, run_sweep, table_of
from training.sweepfigure import draw_sweep

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = Settings(
    name="sweep",
    engine=EngineSettings(kind="inline"),
    training=TrainingSettings(
        supervised_tokens=300, tokens_per_step=150, max_length=256, learning_rate=0.01
    ),
    evaluation=EvaluationSettings(bootstrap_samples=200),
    # The toy sessions are made of few sentences: only equal ones are repeats here.
    corpus=CorpusSettings(blend=BlendSettings(near_duplicate=1)),
)


def told_apart(number: int, **changes: object) -> Record:
    """A toy session in which every turn ends with a word of its own."""
    one = record(number)
    turns = [turn.model_copy(update={"text": f"{turn.text} {number}"}) for turn in one.turns]
    return one.model_copy(update={"turns": tuple(turns), **changes})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    made = RunFolder(tmp_path_factory.mktemp("run"))
    screened = Deidentification.SCREENED
    write_nouns(made.quarantine, [told_apart(n, deidentification=screened) for n in range(10)])
    sign_off(made, "a test")
    simulated = {"origin": Origin.SYNTHETIC, "deidentification": Deidentification.NOT_NEEDED}
    write_nouns(made.synthetic, [told_apart(n, **simulated) for n in range(20, 24)])
    return made


@pytest.fixture(scope="module")
def swept(folder: RunFolder, small_base: Path) -> Sweep:
    return run_sweep(SETTINGS, folder, small_base, (0, 50, 100), 2)


def test_every_share_is_trained_alike_and_measured_on_the_same_sessions(swept: Sweep) -> None:
    assert [one.share for one in swept.points] == [0, 50, 100]
    assert swept.seeds == (7, 8)
    assert swept.supervised_tokens == 300
    assert swept.held_out_sessions == 2
    assert swept.points[0].synthetic_sessions == 0
    assert swept.points[2].real_sessions == 0
    middle = swept.points[1]
    assert abs(middle.real_sessions - middle.synthetic_sessions) <= 1
    for one in swept.points:
        assert len(one.by_seed) == 2
        assert one.loss.value == pytest.approx(np.mean(one.by_seed))
        assert one.loss.low <= one.loss.value <= one.loss.high
        assert one.loss.value < swept.base_loss.value
    assert swept.points[0].against_first.value == 0
    assert swept.points[2].against_first.value == pytest.approx(
        swept.points[2].loss.value - swept.points[0].loss.value
    )


def test_the_result_is_kept_and_a_second_sweep_trains_nothing(
    swept: Sweep, folder: RunFolder, small_base: Path
) -> None:
    root = sweep_folder(folder).root
    assert Sweep.model_validate_json((root / RESULT_FILE).read_bytes()) == swept
    made = root / "adapters" / "share-50-seed-8" / "adapter_model.safetensors"
    before = made.stat().st_mtime_ns
    assert run_sweep(SETTINGS, folder, small_base, (0, 50, 100), 2) == swept
    assert made.stat().st_mtime_ns == before


def test_the_table_says_what_was_measured(swept: Sweep) -> None:
    table = table_of(swept)
    assert "on 2 real sessions" in table
    assert "2 seeds" in table
    rows = [line for line in table.splitlines() if line.startswith(("| 0%", "| 50%", "| 100%"))]
    assert len(rows) == 3
    assert f"{swept.points[1].loss.value:.3f} (" in rows[1]


def test_the_figure_is_written_and_the_same_each_time(swept: Sweep, tmp_path: Path) -> None:
    first = [path.read_bytes() for path in draw_sweep(swept, tmp_path)]
    assert [path.read_bytes() for path in draw_sweep(swept, tmp_path)] == first
    assert first[0].startswith(b"<?xml")
    assert first[1].startswith(b"\x89PNG")


def test_the_interval_is_that_of_a_plain_resampling() -> None:
    """Against a loop that draws seeds and sessions one by one."""
    rng = np.random.default_rng(0)
    sums, tokens = rng.normal(100, 20, (3, 12)), rng.integers(20, 60, 12).astype(float)
    got = Draws(np.random.default_rng(1), 20_000, 3, 12).interval(sums, tokens)
    drawn = []
    for _ in range(20_000):
        seeds, sessions = rng.integers(3, size=3), rng.integers(12, size=12)
        drawn.append(sums[seeds][:, sessions].mean(axis=0).sum() / tokens[sessions].sum())
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert got.value == pytest.approx(sums.mean(axis=0).sum() / tokens.sum())
    assert got.low == pytest.approx(low, abs=0.03)
    assert got.high == pytest.approx(high, abs=0.03)


@pytest.mark.parametrize(("shares", "seeds"), [((0, 0), 1), ((101,), 1), ((), 1), ((0,), 0)])
def test_what_is_no_series_is_refused(
    shares: tuple[int, ...], seeds: int, folder: RunFolder, small_base: Path
) -> None:
    with pytest.raises(ConfigError):
        run_sweep(SETTINGS, folder, small_base, shares, seeds)
