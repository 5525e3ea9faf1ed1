"""FSDP2: every rank holds a part of each weight, for bases that do not fit on one device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

if TYPE_CHECKING:
    from training.ranks import Ranks


def layers_of(model: torch.nn.Module) -> list[torch.nn.Module]:
    """The decoder layers: the longest list of like modules in the model."""
    lists = [one for one in model.modules() if isinstance(one, torch.nn.ModuleList)]
    return list(max(lists, key=len, default=[]))


def shard(model: torch.nn.Module, ranks: Ranks) -> None:
    """Share out `model`'s weights over all ranks, layer by layer (Zhao et al., 2023).

    Gradients are summed, not averaged: the loss is divided by the tokens of all ranks already.
    """
    mesh = init_device_mesh(ranks.device.type, (ranks.size,))
    for part in [*layers_of(model), model]:
        sharded: FSDPModule = fully_shard(part, mesh=mesh)
        sharded.set_gradient_divide_factor(1.0)
        if ranks.device.type == "cpu":  # gloo only sums
            sharded.set_force_sum_reduction_for_comms(True)


def is_sharded(tensor: Any) -> bool:  # noqa: ANN401 - a tensor of either kind
    """Whether each rank holds a part only."""
    return isinstance(tensor, DTensor)


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """Gather a tensor's parts; every rank has to call it."""
    detached = tensor.detach()
    return detached.full_tensor() if isinstance(detached, DTensor) else detached


def like(tensor: torch.Tensor, full: torch.Tensor) -> torch.Tensor:
    """Share `full` out as `tensor` is."""
    placed = full.to(device=tensor.device, dtype=tensor.dtype)
    if isinstance(tensor, DTensor):
        return distribute_tensor(placed, tensor.device_mesh, tensor.placements)
    return placed
