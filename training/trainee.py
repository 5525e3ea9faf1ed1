"""What changes while training: the weights, the optimiser, the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from training.sharding import like, whole

if TYPE_CHECKING:
    from training.gauge import Gauge
    from training.live import LogRow
    from training.loss import LossPath


@dataclass
class Trainee:
    """What changes while training: the weights, the optimiser, the step and the log."""

    model: Any
    """Adapted, or trained whole."""
    path: LossPath
    optimizer: torch.optim.Optimizer
    gauge: Gauge
    batch_tokens: int
    """Tokens of a row; fewer than the settings say once memory has run out."""
    log: list[LogRow] = field(default_factory=list)
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    """With early stopping: the weights that were best on held-out turns so far."""

    @property
    def weights(self) -> dict[str, torch.nn.Parameter]:
        """What is trained, by name."""
        return trained_weights(self.model)


def trained_weights(model: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    """The LoRA matrices and whatever else is trained, by name."""
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def weights_now(trainee: Trainee) -> dict[str, torch.Tensor]:
    """A copy of what is trained, in main memory, put together where it is shared out."""
    return {name: whole(one).cpu().clone() for name, one in trainee.weights.items()}


def put_weights(trainee: Trainee, values: dict[str, torch.Tensor]) -> None:
    """Set what is trained to `values`, as `weights_now` returned them."""
    with torch.no_grad():
        for name, weight in trainee.weights.items():
            weight.copy_(like(weight, values[name]))
