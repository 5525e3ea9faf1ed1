"""The comparison: settings are tried, laps taken in turn, and kept, so that a run can go on."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import orjson

from benchmarks.lanes import Lane
from benchmarks.tuning.dressing import Dressing, candidates
from benchmarks.tuning.prepare import Amount, Layout, Prepared

if TYPE_CHECKING:
    from benchmarks.tuning.lap import TuningLap

STOCK = ("trl_bfd", "trl_padded", "transformers")
OURS = "ours"
LEGS = (OURS, *STOCK)
ROOT, CODE = Path(__file__).resolve().parents[2], ("training",)
SETTLING_SEQUENCES = 5
"""Sequences of the one step that a set-up is tried on."""
LOSS_TOLERANCE = 0.01
"""Share by which a leg's final loss may differ from ours for its speed to count."""
LEAST_FALL = 0.05
"""Share of the base's loss that training must take off, or equal losses would say nothing."""


@dataclass(frozen=True)
class Asked:
    """What to compare on."""

    transcripts: Path | None
    size: str = "6m"
    device: str = "cpu"
    tokens: int = 16_000
    steps: int = 4
    max_length: int = 1024
    repeats: int = 5
    quick: bool = False

    @property
    def amount(self) -> Amount:
        """How much a lap trains on."""
        return Amount(self.tokens, self.steps, self.max_length)


class Kept:
    """What has been measured so far, in a file if there is one; each lap is added as it ends."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.tried: dict[str, list[dict[str, Any]]] = {}
        self.laps: dict[str, list[dict[str, Any]]] = {}
        self.losses: dict[str, float] = {}
        self.material = ""
        if path is not None and path.exists():
            found = orjson.loads(path.read_bytes())
            self.tried, self.laps = found["tried"], found["laps"]
            self.losses, self.material = found["losses"], found["material"]

    def begin(self, material: str) -> None:
        """See that what is there was measured on the same material.

        Raises:
            ValueError: It was not.
        """
        if self.material not in {"", material}:
            raise ValueError(f"{self._path} was measured on something else; name another file")
        self.material = material
        self.save()

    def save(self) -> None:
        """Write everything."""
        if self._path is not None:
            whole = {name: value for name, value in vars(self).items() if name != "_path"}
            self._path.write_bytes(orjson.dumps(whole, option=orjson.OPT_INDENT_2))


def compare(asked: Asked, kept: Kept) -> dict[str, Any]:
    """Measure what is missing in `kept`; return the figures."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for kind in STOCK:
            _settle(folder, asked, kind, kept)
        chosen = {kind: best(kept.tried[kind]) for kind in STOCK}
        layouts = tuple({(one.rows, one.packed) for one in chosen.values()})
        prepared = _prepare(folder / "whole", asked, layouts)
        kept.begin(_fingerprint(prepared))
        _measure(prepared, chosen, asked, kept)
    return figures(prepared.facts, chosen, kept)


def best(tried: list[dict[str, Any]]) -> Dressing:
    """The set-up that took least CPU per token.

    Raises:
        RuntimeError: None worked.
    """
    worked = [one for one in tried if one["ms_per_token"] is not None]
    if not worked:
        raise RuntimeError(f"no set-up worked: {tried}")
    return Dressing(**min(worked, key=lambda one: float(one["ms_per_token"]))["dressing"])


def figures(facts: dict[str, object], chosen: dict[str, Dressing], kept: Kept) -> dict[str, Any]:
    """Medians, ratios where losses are equal, and why not where they are not."""
    legs = {leg: _leg(kept.laps[leg]) for leg in LEGS}
    for leg in LEGS:
        legs[leg]["held_out_loss"] = kept.losses[leg]
        legs[leg]["settings"] = str(chosen[leg]) if leg in chosen else "as `rehearsal train`"
    refused = {leg: why for leg in STOCK if (why := unequal(leg, legs, kept.losses["base"]))}
    found: dict[str, Any] = {}
    for leg in STOCK:
        if leg not in refused:
            found[f"over_{leg}"] = over(legs[OURS], legs[leg])
    if "trl_bfd" not in refused:
        found["peak_memory_over_trl_bfd"] = legs[OURS]["peak_mb"] / legs["trl_bfd"]["peak_mb"]
    return {
        **found,
        "refused": refused,
        "base_loss": kept.losses["base"],
        "legs": legs,
        "tried": kept.tried,
        "material": facts,
    }


def over(ours: dict[str, Any], other: dict[str, Any]) -> float:
    """How many times as many supervised tokens we learn in a CPU second."""
    return float(ours["supervised_per_cpu_s"]) / float(other["supervised_per_cpu_s"])


def unequal(leg: str, legs: dict[str, dict[str, Any]], base: float) -> str:
    """Say why a leg's speed must not be compared with ours; "" where it may."""
    ours, other = legs[OURS], legs[leg]
    for key in ("steps", "supervised", "tokens"):
        if ours[key] != other[key]:
            return f"{key}: {ours[key]} here, {other[key]} there"
    mine, theirs = float(ours["held_out_loss"]), float(other["held_out_loss"])
    if not abs(mine - theirs) <= LOSS_TOLERANCE * mine:
        return (
            f"held-out loss: {mine:.4f} here, {theirs:.4f} there, over {LOSS_TOLERANCE:.0%} apart"
        )
    if not max(mine, theirs) <= (1 - LEAST_FALL) * base:
        return (
            f"held-out loss fell from {base:.4f} by less than {LEAST_FALL:.0%}: equal says nothing"
        )
    return ""


def _leg(laps: list[dict[str, Any]]) -> dict[str, Any]:
    spread = sorted(one["supervised"] / one["cpu_s"] for one in laps)
    same = {key: laps[0][key] for key in ("steps", "supervised", "tokens", "computed")}
    return {
        **same,
        "laps": len(laps),
        "supervised_per_cpu_s": median(spread),
        "range": [spread[0], spread[-1]],
        "tokens_per_cpu_s": median(one["tokens"] / one["cpu_s"] for one in laps),
        "tokens_per_s": median(one["tokens"] / one["wall_s"] for one in laps),
        "peak_mb": median(one["peak_mb"] for one in laps),
        "peak_absolute_mb": median(one["peak_absolute_mb"] for one in laps),
    }


def _prepare(folder: Path, asked: Asked, layouts: tuple[Layout, ...]) -> Prepared:
    folder.mkdir(parents=True)
    with Lane("benchmarks.tuning.prepare:Preparing", folder, asked.size, asked.device) as lane:
        prepared: Prepared = lane.lap(asked.transcripts, asked.amount, layouts)
    return prepared


def _settle(folder: Path, asked: Asked, kind: str, kept: Kept) -> None:
    """Try what is untried of a leg's set-ups, each on one step of some sequences."""
    tried = kept.tried.setdefault(kind, [])
    known = {one["name"] for one in tried}
    untried = [one for one in candidates(kind, quick=asked.quick) if str(one) not in known]
    if not untried:
        return
    prepared = _prepare(folder / kind, asked, ((1, 0),))
    count = int(str(prepared.facts["sequences"]))
    bout = replace(prepared.bout, steps=max(1, round(count / SETTLING_SEQUENCES)))
    with Lane("benchmarks.tuning.stock:TryingLeg", bout) as lane:
        lane.lap(untried[0])
        for dressing in untried:
            lap: TuningLap | str = lane.lap(dressing)
            took = None if isinstance(lap, str) else 1000 * lap.cpu_s / lap.tokens
            said = {"name": str(dressing), "dressing": asdict(dressing), "ms_per_token": took}
            tried.append(said | ({"failed": lap} if isinstance(lap, str) else {}))
            kept.save()


def _measure(prepared: Prepared, chosen: dict[str, Dressing], asked: Asked, kept: Kept) -> None:
    """Take laps in turn until every leg has as many as asked for."""
    bout = prepared.bout
    whole = min(len(kept.laps.get(leg, ())) for leg in LEGS)
    kept.laps = {leg: kept.laps.get(leg, [])[:whole] for leg in LEGS}  # no half rounds
    missing = asked.repeats - whole
    if missing <= 0:
        return
    with ExitStack() as stack:
        lanes = {OURS: stack.enter_context(Lane("benchmarks.tuning.ours:OursLeg", bout))}
        for kind, dressing in chosen.items():
            theirs = Lane("benchmarks.tuning.stock:StockLeg", bout, dressing, kind)
            lanes[kind] = stack.enter_context(theirs)
        for lane in lanes.values():
            lane.lap(1)  # what is loaded and compiled at first use
        judge = stack.enter_context(Lane("benchmarks.tuning.heldout:HeldOut", bout))
        if "base" not in kept.losses:
            kept.losses["base"] = judge.lap("")
        for _ in range(missing):
            for leg, lane in lanes.items():
                lap: TuningLap = lane.lap(bout.steps)
                kept.laps[leg].append(asdict(lap))
                if leg not in kept.losses:  # equal seeds: later laps learn the same
                    kept.losses[leg] = judge.lap(lap.adapter)
                kept.save()


def _fingerprint(prepared: Prepared) -> str:
    """Name the material and the code: laps of another training loop are not to be mixed in."""
    digest = hashlib.sha256(repr(prepared.bout.settings).encode())
    sources = [path for room in CODE for path in sorted((ROOT / room).rglob("*.py"))]
    made = [Path(name) for name in (prepared.bout.sequences, prepared.bout.held_out)]
    for path in (*made, *sources):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
