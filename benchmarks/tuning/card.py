"""Tokens per second and MFU of TRL and ours on one device."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.lanes import Lane
from benchmarks.tuning.base import SIZES
from benchmarks.tuning.bout import Sequences
from benchmarks.tuning.compare import unequal
from benchmarks.tuning.dressing import Dressing
from benchmarks.tuning.flops import datasheet, needed
from benchmarks.tuning.prepare import Amount

if TYPE_CHECKING:
    from benchmarks.tuning.lap import TuningLap
    from benchmarks.tuning.prepare import Layout, Prepared

TRL, OURS = "trl_bfd", "ours"
FAST = ("flash_attention_2", "sdpa")
"""Attention that TRL is tried with on a card, where it is installed; `sdpa` on a CPU."""
MATMUL = {"cpu": 1024, "cuda": 8192}
"""Side of the matrices of the measured rate."""


@dataclass(frozen=True)
class Run:
    """What is measured on a device."""

    device: str
    size: str
    transcripts: Path | None
    repeats: int

    @property
    def amount(self) -> Amount:
        """Tokens and steps of a lap."""
        if self.size == "toy":
            return Amount(9_000, 3, 256)
        return Amount(60_000 if self.size == "8b" else 150_000, 4, 2048)

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
            "precision": "float32" if self.device == "cpu" else "bfloat16, adapter float32",
            "flops": "4 N_body + 6 N_lora a token, 4 N_head a supervised token, "
            "12 L H a pair of tokens that see each other",
            "figures": ["tokens_per_s", "mfu_of_measured", "mfu_of_datasheet", "peak_mb"],
        }

    def dressings(self) -> list[Dressing]:
        """Set-ups of TRL to choose the fastest of."""
        kinds = ("sdpa",) if self.device == "cpu" else FAST
        rows = (1,) if self.device == "cpu" else (1, 2)
        packed = (1,) if self.device == "cpu" else (1, 4)
        return [
            Dressing("trl", rows=row, attention=kind, packed=times, sampling="random")
            for kind in kinds
            for times in packed
            for row in rows
        ]


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
        tried, chosen = _choose(Path(scratch), run)
        layouts: tuple[Layout, ...] = ((chosen.rows, chosen.packed),)
        prepared = _prepared(Path(scratch) / "whole", run, layouts)
        legs, base = _race(prepared, chosen, run)
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
        "flops_of_a_lap": flops,
        "material": prepared.facts,
        "plan": run.plan(),
    }


def _prepared(folder: Path, run: Run, layouts: tuple[Layout, ...]) -> Prepared:
    folder.mkdir()
    with Lane("benchmarks.tuning.prepare:Preparing", folder, run.size, run.device) as lane:
        prepared: Prepared = lane.lap(run.transcripts, run.amount, layouts)
    return prepared


def _choose(scratch: Path, run: Run) -> tuple[list[dict[str, Any]], Dressing]:
    """Try TRL's set-ups on one step each; return what each took, and the fastest."""
    prepared = _prepared(scratch / "trial", run, ((1, 0),))
    tried: list[dict[str, Any]] = []
    worked: list[tuple[float, Dressing]] = []
    for dressing in run.dressings():
        with Lane("benchmarks.tuning.stock:TryingLeg", prepared.bout) as lane:
            lane.lap(dressing)  # warms up
            lap: TuningLap | str = lane.lap(dressing)
        if isinstance(lap, str):
            tried.append({"name": str(dressing), "failed": lap})
            continue
        tried.append({"name": str(dressing), "tokens_per_s": lap.tokens / lap.wall_s})
        worked.append((lap.wall_s / lap.tokens, dressing))
    if not worked:
        raise ValueError(f"no set-up of TRL worked: {tried}")
    return tried, min(worked, key=lambda one: one[0])[1]


def _race(
    prepared: Prepared, chosen: Dressing, run: Run
) -> tuple[dict[str, dict[str, Any]], float]:
    """Take laps in turn, one process at a time: two 8B models may not fit beside each other."""
    bout, laps = prepared.bout, {OURS: list[Any](), TRL: list[Any]()}
    together = run.size != "8b"
    with ExitStack() as stack:
        lanes = {}
        for leg in laps:
            made = _lane(bout, chosen, leg)
            lanes[leg] = stack.enter_context(made)
            made.lap(1)
            if not together:
                laps[leg] = [made.lap(bout.steps) for _ in range(run.repeats)]
                made.__exit__()
        for _ in range(run.repeats if together else 0):
            for leg, lane in lanes.items():
                laps[leg].append(lane.lap(bout.steps))
    with Lane("benchmarks.tuning.heldout:HeldOut", bout) as judge:
        base = judge.lap("")
        losses = {leg: judge.lap(found[0].adapter) for leg, found in laps.items()}
    return {leg: _leg(found, losses[leg]) for leg, found in laps.items()}, base


def _lane(bout: Any, chosen: Dressing, leg: str) -> Lane:  # noqa: ANN401 - a Bout
    if leg == OURS:
        return Lane("benchmarks.tuning.ours:OursLeg", bout)
    return Lane("benchmarks.tuning.stock:StockLeg", bout, chosen, leg)


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
    }


def _rate(leg: dict[str, Any], flops: float, card: dict[str, Any]) -> None:
    done = flops / leg["wall_s"] / 1e12
    leg["tflops"] = done
    leg["mfu_of_measured"] = done / card["matmul_tflops"]
    if card["datasheet"]:
        leg["mfu_of_datasheet"] = done / card["datasheet"]["bf16_dense_tflops"]
