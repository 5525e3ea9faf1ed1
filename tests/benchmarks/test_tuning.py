"""What the training benchmark compares is equal, and it says no where it is not."""

from __future__ import annotations

import copy
import itertools
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import training
from benchmarks.lanes import Lane
from benchmarks.tuning.base import SIZES, config_of, make_base
from benchmarks.tuning.bout import Sequences, accumulation
from benchmarks.tuning.card import Run, on_card
from benchmarks.tuning.compare import Asked, Kept, best, compare, unequal
from benchmarks.tuning.dressing import Dressing
from benchmarks.tuning.flops import needed
from benchmarks.tuning.growth import POOL, varied
from benchmarks.tuning.prepare import Amount, Preparing
from benchmarks.tuning.sessions import made_sessions
from benchmarks.tuning.start import has_stepped

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.tuning.lap import TuningLap
    from benchmarks.tuning.prepare import Prepared

FAIR: dict[str, dict[str, Any]] = {
    leg: {"steps": 8, "supervised": 900, "tokens": 2_000, "held_out_loss": loss}
    for leg, loss in (("ours", 7.00), ("trl_bfd", 7.06))
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("tuning")
    return Preparing(folder, "toy", "cpu").lap(None, Amount(9_000, 3, 256), ((1, 0), (1, 1)))


def test_equal_losses_may_be_compared() -> None:
    assert unequal("trl_bfd", FAIR, base=8.6) == ""


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("held_out_loss", 7.08, "held-out loss"),
        ("held_out_loss", float("nan"), "held-out loss"),
        ("steps", 9, "steps"),
        ("supervised", 899, "supervised"),
        ("tokens", 2_001, "tokens"),
    ],
)
def test_a_leg_that_did_something_else_gets_no_ratio(key: str, value: float, why: str) -> None:
    legs = copy.deepcopy(FAIR)
    legs["trl_bfd"][key] = value
    assert unequal("trl_bfd", legs, base=8.6).startswith(why)


def test_losses_that_hardly_fell_say_nothing() -> None:
    assert "equal says nothing" in unequal("trl_bfd", FAIR, base=7.2)


def test_the_fastest_set_up_that_worked_is_taken() -> None:
    slow, fast, broken = Dressing("trl", rows=4), Dressing("trl"), Dressing("trl", rows=2)
    tried = [
        {"ms_per_token": took, "dressing": one.said()}
        for took, one in ((2.0, slow), (1.0, fast), (None, broken))
    ]
    assert best(tried) == fast
    with pytest.raises(RuntimeError, match="no set-up worked"):
        best(tried[2:])


def test_laps_of_other_material_are_refused(tmp_path: Path) -> None:
    Kept(tmp_path / "kept.json").begin("one")
    Kept(tmp_path / "kept.json").begin("one")
    with pytest.raises(ValueError, match="something else"):
        Kept(tmp_path / "kept.json").begin("two")


@pytest.mark.parametrize("rows", [8, 13, 23, 40])
def test_accumulation_gives_the_steps_or_none(rows: int) -> None:
    for steps in range(1, rows + 1):
        each = accumulation(rows, steps)
        counts = {-(-rows // size) for size in range(1, rows + 1)}
        assert (each is None) == (steps not in counts)
        if each is not None:
            assert -(-rows // each) == steps


def test_sessions_are_the_same_for_the_same_seed_and_end_with_the_assistant() -> None:
    first, again = (list(made_sessions(40, 3)) for _ in range(2))
    assert first == again
    assert first != list(made_sessions(40, 4))
    assert {session[-1]["role"] for session in first} == {"assistant"}
    assert all(
        one["role"] != other["role"]
        for session in first
        for one, other in itertools.pairwise(session)
    )


def test_the_plan_goes_through_every_sequence_once(prepared: Prepared) -> None:
    sequences = Sequences.read(prepared.bout.sequences)
    assert sequences.supervised == prepared.bout.settings.supervised_tokens
    assert prepared.facts["sequences"] == len(sequences.lengths)
    held_out = Sequences.read(prepared.bout.held_out)
    known = {tokens.tobytes() for tokens, _ in sequences.rows()}
    assert not known & {tokens.tobytes() for tokens, _ in held_out.rows()}


def test_a_size_counts_the_weights_of_its_model(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, LlamaForCausalLM

    make_base(tmp_path, SIZES["toy"], "cpu")
    made: Any = AutoModelForCausalLM.from_pretrained(tmp_path)
    matrices = sum(one.numel() for one in made.parameters() if one.ndim == 2)
    assert matrices == SIZES["toy"].weights
    for name, known in (("1b", 1_235_814_400), ("8b", 8_030_261_248)):  # Llama 3.2 1B, 3.1 8B
        with torch.device("meta"):
            model = LlamaForCausalLM(config_of(SIZES[name], 0, 1))
        assert sum(one.numel() for one in model.parameters()) == known
        assert sum(one.numel() for one in model.parameters() if one.ndim == 2) == (
            SIZES[name].weights
        )


def test_the_operations_are_those_that_torch_counts() -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaForCausalLM

    size, length = SIZES["toy"], 96
    config = config_of(size, 0, 1)
    config._attn_implementation = "eager"
    lora = LoraConfig(r=16, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(LlamaForCausalLM(config), lora)
    ids = torch.randint(5, 900, (1, length))
    with FlopCounterMode(display=False) as counter:
        model(input_ids=ids, labels=ids).loss.backward()
    # Eager attention computes the places that causality hides as well: s * s, not s (s + 1) / 2.
    hidden = 12 * size.layers * size.hidden * (length**2 - length * (length + 1) / 2)
    expected = needed(size, np.array([length]), length, 16) + hidden
    assert counter.get_total_flops() == pytest.approx(expected, rel=0.05)


def legs_of(prepared: Prepared, dressings: dict[str, Dressing]) -> dict[str, TuningLap]:
    laps = {}
    with Lane("benchmarks.tuning.ours:OursLeg", prepared.bout) as lane:
        laps["ours"] = lane.lap(prepared.bout.steps)
    for name, dressing in dressings.items():
        with Lane("benchmarks.tuning.stock:StockLeg", prepared.bout, dressing, name) as lane:
            laps[name] = lane.lap(prepared.bout.steps)
    return laps


def test_sessions_that_are_repeated_differ() -> None:
    talks = [repr(session) for session in varied(POOL + 5)]
    assert len(set(talks)) == len(talks)


def test_a_step_is_seen_by_its_log_or_its_checkpoint(tmp_path: Path) -> None:
    assert not has_stepped(tmp_path)
    (tmp_path / "live.jsonl").write_bytes(b'{"step": 1')
    assert not has_stepped(tmp_path)
    (tmp_path / "live.jsonl").write_bytes(b'{"step": 1}\n')
    assert has_stepped(tmp_path)
    (tmp_path / "other" / "checkpoint-00000001").mkdir(parents=True)
    assert has_stepped(tmp_path / "other")


def test_no_card_no_figures() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a card here")
    with pytest.raises(ValueError, match="no CUDA device"):
        on_card(Run("cuda", "1b", None, 3))


def test_a_plan_says_what_is_run() -> None:
    plan = Run("cuda", "8b", None, 3).plan()
    assert plan["base"]["weights"] == SIZES["8b"].weights
    kinds = ("flash_attention_2", "flex_attention", "sdpa", "eager")
    tried = {kind for kind in kinds if kind in " ".join(plan["trl"])}
    assert tried - {"flash_attention_2"} == {"flex_attention", "sdpa"}


def test_a_lap_on_a_card_is_as_long_as_asked_for() -> None:
    usual = Run("cuda", "8b", None, 3).plan()["lap"]
    asked = Run("cuda", "8b", None, 3, tokens=40_000, steps=5).plan()["lap"]
    assert (asked["tokens"], asked["steps"]) == (40_000, 5)
    assert asked["tokens"] < usual["tokens"]
    assert asked["steps"] < usual["steps"]


def test_one_of_trls_set_ups_can_be_asked_for() -> None:
    (one,) = Run("cuda", "8b", None, 3, attention="flex_attention").plan()["trl"]
    assert "flex_attention" in one


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--steps", "2", "--size", "toy"], "--steps begins at 3"),
        (["--steps", "5"], "--steps wants --size"),
        (["--tokens", "0"], "--tokens begins at 1"),
    ],
)
def test_a_lap_of_nothing_is_refused(
    asked: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks.training", *asked])
    with pytest.raises(SystemExit):
        training.main()
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_all_legs_train_on_the_same_and_come_to_the_same(prepared: Prepared) -> None:
    pytest.importorskip("trl", reason="the group bench-training is not installed")
    dressings = {
        "trl_bfd": Dressing("trl", packed=1, sampling="random"),
        "trl_padded": Dressing("trl"),
        "transformers": Dressing("transformers"),
    }
    laps = legs_of(prepared, dressings)
    assert len({(lap.steps, lap.supervised, lap.tokens) for lap in laps.values()}) == 1
    with Lane("benchmarks.tuning.heldout:HeldOut", prepared.bout) as judge:
        base = judge.lap("")
        losses = {name: judge.lap(lap.adapter) for name, lap in laps.items()}
    assert base > max(losses.values())
    for loss in losses.values():
        assert loss == pytest.approx(losses["ours"], rel=0.01)


@pytest.mark.slow
def test_a_comparison_can_be_taken_up_again(tmp_path: Path) -> None:
    pytest.importorskip("trl", reason="the group bench-training is not installed")
    path = tmp_path / "kept.json"
    asked = Asked(None, size="toy", tokens=9_000, steps=3, max_length=256, repeats=1, quick=True)
    first = compare(asked, Kept(path))
    second = compare(asked, Kept(path))
    assert first == second
    assert {len(laps) for laps in Kept(path).laps.values()} == {1}
