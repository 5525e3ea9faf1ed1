"""Who computes a step together, and how their gradients are added up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import distributed

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Ranks:
    """This process's place among those that train one variant; alone by default."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def add_gradients(self, weights: Sequence[torch.nn.Parameter]) -> None:
        """Replace each weight's gradient by its sum over all ranks; one message for all."""
        for weight in weights:
            if weight.grad is None:  # this rank had no example in the step
                weight.grad = torch.zeros_like(weight)
        if self.size == 1 or not weights:
            return
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        distributed.all_reduce(flat)
        for gradient, summed in zip(
            gradients, torch.split(flat, [gradient.numel() for gradient in gradients]), strict=True
        ):
            gradient.copy_(summed.view_as(gradient))

    def add_numbers(self, *numbers: float) -> tuple[float, ...]:
        """Return each number's sum over all ranks."""
        if self.size == 1:
            return numbers
        summed = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        distributed.all_reduce(summed)
        return tuple(summed.tolist())
