"""Tokens per second and MFU of TRL and ours on one device."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.lanes import Lane
from benchmarks.tuning.base import SIZES
from benchmarks.tuning.bout import Bout, Sequences
from benchmarks.tuning.choices import CHOICES
from benchmarks.tuning.compare import unequal
from benchmarks.tuning.dressing import Dressing
from benchmarks.tuning.flops import datasheet, needed
from benchmarks.tuning.prepare import Amount
from training.memory import ROW_TOKENS

if TYPE_CHECKING:
    from benchmarks.tuning.lap import TuningLap
    from benchmarks.tuning.prepare import Layout, Prepared

TRL, OURS = "trl_bfd", "ours"
FAST = ("flash_attention_2", "flex_attention", "sdpa")
"""Attention that TRL is tried with on a card, where it is installed; `sdpa` on a CPU."""
RATE = 1e-3
"""Learning rate of large random bases: their loss falls fast at a rate that keeps it smooth."""
STEPS = 14
"""Optimiser steps of a large base, about: four leave its losses too unsettled to compare."""
MATMUL = {"cpu": 1024, "cuda": 8192}
"""Side of the matrices of the measured rate."""


@dataclass(frozen=True)
class Run:
    """What is measured on a device."""

    device: str
    size: str
    transcripts: Path | None
    repeats: int
    rate: float = RATE
    tokens: int | None = None
    """Tokens of a lap, about; by default so many that an H200 needs 16 to 20 s at 8B."""
    steps: int | None = None
    """Optimiser steps of a lap, about."""
    attention: str | None = None
    """What TRL is tried with; all that are installed by default."""

    @property
    def amount(self) -> Amount:
        """Tokens and steps of a lap."""
        if self.size == "toy":
            return Amount(self.tokens or 9_000, self.steps or 3, 256)
        tokens = self.tokens or (230_000 if self.size == "8b" else 200_000)
        return Amount(tokens, self.steps or STEPS, 2048, self.rate)

    @property
    def liger(self) -> bool:
        """Whether Liger's kernels are at hand, for both."""
        return self.device != "cpu" and importlib.util.find_spec("liger_kernel") is not None

    def ours(self, bout: Bout) -> Bout:
        """The bout with our own settings for a card: none of them changes what is learned."""
        if self.device == "cpu":
            return bout
        return replace(bout, settings=bout.settings.model_copy(update={"liger": self.liger}))

    def plan(self) -> dict[str, Any]:
        """Say what would be done, without doing it."""
        size = SIZES[self.size]
        width = 4 if self.device == "cpu" else 2
        return {
            "device": self.device,
            "base": asdict(size) | {"weights": size.weights, "gb": width * size.weights / 1e9},
            "lora": {"r": 16, "weights": size.lora(16)},
            "lap": asdict(self.amount),
            "repeats": self.repeats,
            "trl": [str(one) for one in self.dressings()],
            "ours": {"batch_tokens": ROW_TOKENS[self.device], "liger": self.liger},
            "precision": "float32" if self.device == "cpu" else "bfloat16, adapter float32",
            "flops": "4 N_body + 6 N_lora a token, 4 N_head a supervised token, "
            "12 L H a pair of tokens that see each other",
            "figures": ["tokens_per_s", "mfu_of_measured", "mfu_of_datasheet", "peak_mb"],
        }

    def dressings(self) -> list[Dressing]:
        """Set-ups of TRL to choose the fastest of; all pack alike, so that all take equal steps."""
        if self.device == "cpu":
            return [Dressing("trl", packed=1, sampling="random")]
        installed = importlib.util.find_spec("flash_attn") is not None
        kinds = [kind for kind in FAST if installed or not kind.startswith("flash")]
        plain = Dressing("trl", packed=4, sampling="random", liger=self.liger)
        if self.attention is not None:
            kinds = [kind for kind in kinds if kind == self.attention]
        found = [replace(plain, attention=kind) for kind in kinds]
        if self.liger and self.size != "8b":
            found += [replace(one, liger=False) for one in found]
        return found


class Card:
    """What the device can do; in a process of its own."""

    def __init__(self, device: str) -> None:
        self._device = device

    def lap(self) -> dict[str, Any]:
        """Name, measured rate and datasheet."""
        import torch

        from benchmarks.tuning.flops import matmul_rate

        name = "cpu" if self._device == "cpu" else torch.cuda.get_device_name()
        return {
            "name": name,
            "matmul_tflops": matmul_rate(self._device, MATMUL[self._device]) / 1e12,
            "datasheet": datasheet(name),
        }


def on_card(run: Run) -> dict[str, Any]:
    """Measure.

    Raises:
        ValueError: There is no such device, or no set-up of TRL worked.
    """
    import torch

    if run.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("no CUDA device here; --dry-run says what would be done on one")
    with Lane("benchmarks.tuning.card:Card", run.device) as lane:
        card: dict[str, Any] = lane.lap()
    with tempfile.TemporaryDirectory() as scratch:
        dressings = run.dressings()
        layouts: tuple[Layout, ...] = tuple({(one.rows, one.packed) for one in dressings})
        prepared = _prepared(Path(scratch) / "whole", run, layouts)
        legs, tried, base = _race(prepared, dressings, run)
        sequences = Sequences.read(prepared.bout.sequences)
    flops = needed(SIZES[run.size], sequences.lengths, sequences.supervised, 16)
    for leg in legs.values():
        _rate(leg, flops, card)
    # The losses stand under the names that the comparison on CPUs has.
    why = unequal(TRL, legs, base)
    ratio = {} if why else {"over_trl": legs[OURS]["tokens_per_s"] / legs[TRL]["tokens_per_s"]}
    return {
        **ratio,
        "refused": why,
        "card": card,
        "legs": legs,
        "tried": tried,
        "base_loss": base,
        "flops_of_a_lap": flops,
        "material": prepared.facts,
        "plan": run.plan(),
    }


def choices(run: Run) -> dict[str, Any]:
    """Measure what each of our choices is worth on the device.

    Raises:
        ValueError: There is no such device.
    """
    with tempfile.TemporaryDirectory() as scratch:
        prepared = _prepared(Path(scratch) / "choices", run, ((1, 0),))
        found: dict[str, Any] = {}
        for name in CHOICES:
            with Lane("benchmarks.tuning.choices:ChoosingLeg", run.ours(prepared.bout)) as lane:
                lap: TuningLap | str = lane.lap(name)
            found[name] = (
                {"failed": lap}
                if isinstance(lap, str)
                else {"tokens_per_s": lap.tokens / lap.wall_s, "peak_mb": lap.peak_mb}
            )
            _say(f"{name}: {found[name]}")
    return {"choices": found, "material": prepared.facts}


def _prepared(folder: Path, run: Run, layouts: tuple[Layout, ...]) -> Prepared:
    folder.mkdir()
    with Lane("benchmarks.tuning.prepare:Preparing", folder, run.size, run.device) as lane:
        prepared: Prepared = lane.lap(run.transcripts, run.amount, layouts)
    _say(f"material: {prepared.facts}")
    return prepared


def _race(
    prepared: Prepared, dressings: list[Dressing], run: Run
) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]], float]:
    """Take laps; return the legs, what each of TRL's set-ups did, and the bare base's loss.

    One process at a time: two bases of 8B may not fit beside each other, and a card is not shared.
    """
    bout = prepared.bout
    laps = {OURS: _laps("benchmarks.tuning.ours:OursLeg", (run.ours(bout),), run)}
    tried: list[dict[str, Any]] = []
    fastest = 0.0
    for number, dressing in enumerate(dressings):
        arguments = (bout, dressing, f"{TRL}-{number}")
        made = _laps("benchmarks.tuning.stock:StockLeg", arguments, run)
        if isinstance(made, str):
            tried.append({"name": str(dressing), "failed": made})
            continue
        rate = median(lap.tokens / lap.wall_s for lap in made)
        peak = max(lap.peak_mb for lap in made)
        tried.append({"name": str(dressing), "tokens_per_s": rate, "peak_mb": peak})
        if rate > fastest:
            fastest, laps[TRL] = rate, made
    if isinstance(laps[OURS], str) or TRL not in laps:
        raise ValueError(f"ours: {laps[OURS]}; TRL: {tried}")
    with Lane("benchmarks.tuning.heldout:HeldOut", bout) as judge:
        base = judge.lap("")
        losses = {leg: judge.lap(found[0].adapter) for leg, found in laps.items()}
    return {leg: _leg(found, losses[leg]) for leg, found in laps.items()}, tried, base


def _laps(leg: str, arguments: tuple[Any, ...], run: Run) -> Any:  # noqa: ANN401 - laps, or why not
    """Warm up for a step and take laps in a process of its own; or say why it ended."""
    bout: Bout = arguments[0]
    try:
        with Lane(leg, *arguments) as lane:
            lane.lap(1)
            laps = [lane.lap(bout.steps) for _ in range(run.repeats)]
    except RuntimeError as error:
        _say(f"{leg} {arguments[1:]}: {error}")
        return str(error)
    _say(f"{leg} {arguments[1:]}: {[lap.tokens / lap.wall_s for lap in laps]} tokens a second")
    return laps


def _say(line: str) -> None:
    """Tell how far a long run has come: what is measured so far is not lost with it."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _leg(laps: list[TuningLap], loss: float) -> dict[str, Any]:
    rates = sorted(lap.tokens / lap.wall_s for lap in laps)
    first = laps[0]
    return {
        "steps": first.steps,
        "supervised": first.supervised,
        "tokens": first.tokens,
        "wall_s": median(lap.wall_s for lap in laps),
        "tokens_per_s": median(rates),
        "range": [rates[0], rates[-1]],
        "supervised_per_s": median(lap.supervised / lap.wall_s for lap in laps),
        "peak_mb": median(lap.peak_mb for lap in laps),
        "held_out_loss": loss,
        "attention": first.attention,
    }


def _rate(leg: dict[str, Any], flops: float, card: dict[str, Any]) -> None:
    done = flops / leg["wall_s"] / 1e12
    leg["tflops"] = done
    leg["mfu_of_measured"] = done / card["matmul_tflops"]
    if card["datasheet"]:
        leg["mfu_of_datasheet"] = done / card["datasheet"]["bf16_dense_tflops"]
