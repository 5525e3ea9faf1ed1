"""What a step makes of the machine: tokens a second, memory, and use of the card (MFU).

Model FLOPs utilisation (Chowdhery et al., 2022, PaLM, appendix B) without its attention term, so
a little low on long sessions. A frozen weight costs 4 operations per token: 2 forward, and 2 to
send the gradient on through it; a trained one 6. It is left out where the card's rate is not
known, and on CPUs.
"""

from __future__ import annotations

import re
import resource
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import yaml

if TYPE_CHECKING:
    from training.ranks import Ranks

_CARDS = Path(__file__).parent / "data" / "cards.yaml"
_MB = 1e6


class Gauge:
    """Reads one run's speed, for a row of its log."""

    def __init__(self, model: Any, ranks: Ranks) -> None:  # noqa: ANN401 - as below
        self._ranks = ranks
        self._per_token = operations_per_token(model)
        rate = card_rate(ranks.device)
        self._peak = None if rate is None else rate * ranks.size

    def reading(self, computed: int, seconds: float) -> dict[str, float]:
        """Numbers of a step.

        Args:
            computed: Tokens that all ranks went through.
            seconds: What it took.

        Returns:
            `tokens_per_s`; `memory_mb`, this rank's peak so far; `mfu` between 0 and 1 if known.
        """
        read = {"tokens_per_s": computed / seconds, "memory_mb": peak_memory_mb(self._ranks.device)}
        if self._peak is not None:
            read["mfu"] = computed / seconds * self._per_token / self._peak
        return read


def operations_per_token(model: Any) -> float:  # noqa: ANN401 - a causal LM, adapted or not
    """Floating-point operations that a training step spends on one token.

    The input embedding is a look-up and costs none, unless its weights are the output's as well.
    """
    trained: int = sum(one.numel() for one in model.parameters() if one.requires_grad)
    frozen: int = sum(one.numel() for one in model.parameters()) - trained
    embedded = model.get_input_embeddings().weight
    head = model.get_output_embeddings()
    if head is not None and head.weight is not embedded:
        frozen -= embedded.numel()
    return 4.0 * frozen + 6.0 * trained


def card_rate(device: torch.device) -> float | None:
    """Peak bfloat16 operations per second of a GPU, dense, by its name; None where not known."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    return next((rate for card, rate in _rates() if re.search(rf"\b{card}\b", name)), None)


def peak_memory_mb(device: torch.device) -> float:
    """The most memory this process has held: the card's on a GPU, resident in all on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / _MB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MB


@cache
def _rates() -> tuple[tuple[str, float], ...]:
    """Names and rates, the longest name first: `H100 PCIe` before `H100`."""
    cards = yaml.safe_load(_CARDS.read_text(encoding="utf-8"))["cards"]
    rates = [(one["name"], one["teraflops"] * 1e12) for one in cards]
    return tuple(sorted(rates, key=lambda one: -len(one[0])))
