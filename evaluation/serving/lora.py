"""Many LoRA adapters over one base, each row of a batch with its own.

The adapters' low-rank matrices stand side by side: with ranks r1, r2, … a layer keeps one [R, in]
and one [out, R] matrix, R their sum. A row computes all R inner values and keeps those of its own
adapter; what a mask has set to 0 adds nothing. So a batch that mixes adapters takes two small
products a layer more than the base alone, whoever is in it, and the base itself is the row that
keeps none.

LoRA: Hu et al., 2021. DoRA (Liu et al., 2024) scales each output besides, row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from peft.tuners.lora import Linear as LoraLinear
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils.other import AuxiliaryTrainingWrapper
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peft import PeftModel


@dataclass
class Company:
    """Which adapter each row of the batch at hand has; shared by all layers.

    `rows` is [B], an index into the adapters; the number of adapters stands for none.
    """

    rows: torch.Tensor | None = None
    plain: bool = True
    """Whether no row has an adapter: layers then do nothing more than the base's."""


class MixedLinear(nn.Module):
    """A linear layer of the base, and what each adapter adds to it.

    Args:
        layer: PEFT's layer with its adapters.
        names: All adapters, in the order of their indices; one may have nothing in this layer.
        company: Told of each batch by whoever runs the model.
    """

    base: nn.Linear
    down: torch.Tensor
    up: torch.Tensor
    kept: torch.Tensor
    scales: torch.Tensor | None

    def __init__(self, layer: Any, names: Sequence[str], company: Company) -> None:  # noqa: ANN401 - PEFT's layer
        super().__init__()
        self.base = layer.base_layer
        self._company = company
        weight = self.base.weight
        present = [name for name in names if name in layer.lora_A]
        downs = [layer.lora_A[name].weight for name in present]
        ups = [layer.lora_B[name].weight * layer.scaling[name] for name in present]
        self.register_buffer("down", torch.cat(downs).detach(), persistent=False)
        self.register_buffer("up", torch.cat(ups, dim=1).detach(), persistent=False)
        self.register_buffer("kept", _kept(layer, names, weight), persistent=False)
        self.register_buffer("scales", _dora_scales(layer, names, weight), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return [B, L, out] for [B, L, in]."""
        linear = nn.functional.linear
        if self._company.plain:
            return linear(x, self.base.weight, self.base.bias)
        rows: Any = self._company.rows
        inner = linear(x, self.down) * self.kept[rows][:, None, :]
        if self.scales is None:
            return linear(x, self.base.weight, self.base.bias) + linear(inner, self.up)
        bare = linear(x, self.base.weight) + linear(inner, self.up)
        scaled = bare * self.scales[rows][:, None, :]
        return scaled if self.base.bias is None else scaled + self.base.bias


def _kept(layer: Any, names: Sequence[str], weight: torch.Tensor) -> torch.Tensor:  # noqa: ANN401
    """Return [A+1, R]: 1 where an inner value belongs to the adapter of that index, else 0."""
    owners = [
        index
        for index, name in enumerate(names)
        if name in layer.lora_A
        for _ in range(layer.r[name])
    ]
    owner = torch.tensor(owners, device=weight.device)
    index = torch.arange(len(names) + 1, device=weight.device)
    return (owner[None, :] == index[:, None]).to(weight.dtype)


def _dora_scales(layer: Any, names: Sequence[str], weight: torch.Tensor) -> torch.Tensor | None:  # noqa: ANN401
    """Return [A+1, out]: magnitude over the norm of each output's weights; None without DoRA."""
    if not layer.lora_magnitude_vector:
        return None
    scales = torch.ones(len(names) + 1, weight.shape[0], dtype=weight.dtype, device=weight.device)
    for index, name in enumerate(names):
        if name in layer.lora_magnitude_vector:
            changed = weight + layer.get_delta_weight(name)
            norm = torch.linalg.norm(changed, dim=1)
            scales[index] = layer.lora_magnitude_vector[name].weight / norm
    return scales.detach()


def mixes(model: PeftModel) -> bool:
    """Whether every adapter touches linear layers only, in ways that can stand in one batch."""
    return all(
        _plain(module)
        for module in model.modules()
        if isinstance(module, BaseTunerLayer | AuxiliaryTrainingWrapper)
    )


def _plain(module: Any) -> bool:  # noqa: ANN401 - any of PEFT's layers
    return (
        type(module) is LoraLinear
        and type(module.base_layer) is nn.Linear
        and not module.fan_in_fan_out
        and not any(module.lora_bias.values())
        and set(module.lora_variant) <= set(module.lora_magnitude_vector)
    )


def mix(model: PeftModel, names: Sequence[str]) -> tuple[Any, Company]:
    """Take the adapters out of PEFT's layers and put ours in their place; `mixes` must hold.

    Returns:
        The base with its layers replaced, and what must be told of each batch.
    """
    company = Company()
    base: Any = model.get_base_model()
    for path, module in list(base.named_modules()):
        if isinstance(module, LoraLinear):
            parent, _, child = path.rpartition(".")
            setattr(base.get_submodule(parent), child, MixedLinear(module, names, company))
    return base, company
