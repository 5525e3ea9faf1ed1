"""Floating-point operations that LoRA training needs, and what a card can do."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    import numpy as np

    from benchmarks.tuning.base import Size

CARDS = Path(__file__).with_name("cards.yaml")


def needed(size: Size, lengths: np.ndarray, supervised: int, rank: int) -> float:
    """Operations of one pass over sequences of `lengths` [S] with a frozen base.

    A weight takes 2 operations a token forward and 2 for the gradient of its input; the 2 for its
    own gradient are left out because it is frozen: 4 N for the base and 6 N for the adapter. The
    head counts where a loss is taken only, so that nobody is credited with logits that nobody
    needs. Attention takes 4 H forward and 8 H backward for each pair of a token and one it sees,
    per layer with H hidden dimensions: 12 L H s (s + 1) / 2 for a sequence of s tokens.

    After Kaplan et al., 2020, section 2.1 (6 N) and Chowdhery et al., 2022 (PaLM), appendix B (12
    L H per token and place), with the causal half counted once and without frozen weights.
    """
    tokens = float(lengths.sum())
    pairs = float((lengths.astype(float) * (lengths + 1)).sum()) / 2
    linear = tokens * (4 * size.body + 6 * size.lora(rank)) + supervised * 4 * size.head
    return linear + 12 * size.layers * size.hidden * pairs


def datasheet(name: str) -> dict[str, Any] | None:
    """What the maker says of a card whose name holds one of ours; None if we have none."""
    cards: list[dict[str, Any]] = yaml.safe_load(CARDS.read_text(encoding="utf-8"))["cards"]
    return next((card for card in cards if str(card["match"]).lower() in name.lower()), None)


def matmul_rate(device: str, side: int, laps: int = 20) -> float:
    """Operations per second of square matrix products: bfloat16 on a card, float32 on a CPU."""
    import torch

    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    best = float("inf")
    for _ in range(laps):
        started = time.perf_counter()
        left @ right
        if device != "cpu":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - started)
    return 2 * side**3 / best
