"""LoRA's linear layer as one step of autograd: the same sum as PEFT's, with fewer passes.

PEFT computes the base's output, casts the input to the adapter's float32, computes the update,
scales it, adds it and casts the sum back: each a pass over activations, some kept for the way back.
Here the update is added into the base's output by the matrix product itself, in the base's
precision, and what is kept is the input and its `r` numbers a token. The adapter's own weights stay
float32; the layer is PEFT's in all else, and so are the files that are written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from peft.tuners.lora.layer import Linear
from torch.nn import functional

if TYPE_CHECKING:
    from peft import LoraConfig

    from domain.settings import LoraSettings


class LowRankUpdate(torch.autograd.Function):
    """y = x Wᵀ + b + s (x Aᵀ) Bᵀ with a frozen W (Hu et al., 2021, section 4.1).

    Its way back: with g the gradient of y, x gets g W + s (g B) A, A gets s (g B)ᵀ x, B gets
    s gᵀ (x Aᵀ).
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - autograd's context
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        down: torch.Tensor,
        up: torch.Tensor,
        scale: float,
    ) -> torch.Tensor:
        """Return y.

        Args:
            ctx: Where the way back finds what it needs.
            x: [..., I], in the base's precision.
            weight: [O, I], frozen.
            bias: [O] or None, frozen.
            down: A, [r, I], float32.
            up: B, [O, r], float32.
            scale: s.

        Returns:
            [..., O], in the base's precision.
        """
        rows = x.reshape(-1, x.shape[-1])
        narrow = rows @ down.to(x.dtype).t()
        out = functional.linear(rows, weight, bias)
        out.addmm_(narrow, up.to(x.dtype).t(), alpha=scale)
        ctx.save_for_backward(rows, weight, down, up, narrow)
        ctx.scale, ctx.shape = scale, x.shape
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(
        ctx: Any,  # noqa: ANN401 - autograd's context
        gradient: torch.Tensor,
    ) -> tuple[torch.Tensor | None, None, None, torch.Tensor, torch.Tensor, None]:
        """Return the gradients of x, A and B."""
        rows, weight, down, up, narrow = ctx.saved_tensors
        back = gradient.reshape(-1, gradient.shape[-1])
        low = (back @ up.to(back.dtype)).mul_(ctx.scale)
        of_x = None
        if ctx.needs_input_grad[0]:  # not below the first layer, where nothing is trained
            of_x = back @ weight
            of_x.addmm_(low, down.to(back.dtype))
            of_x = of_x.view(ctx.shape)
        of_down = (low.t() @ rows).to(down.dtype)
        of_up = (back.t() @ narrow).to(up.dtype).mul_(ctx.scale)
        return of_x, None, None, of_down, of_up, None


class LowRankLinear(Linear):
    """PEFT's LoRA layer, with the sum above where one plain adapter is trained."""

    def forward(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:  # noqa: ANN401
        """Return the layer's output [..., O]; everything unusual is PEFT's to compute."""
        if args or kwargs or not self._is_plain():
            out: torch.Tensor = super().forward(x, *args, **kwargs)
            return out
        (name,) = self.active_adapters
        base = self.get_base_layer()
        made: torch.Tensor = LowRankUpdate.apply(  # type: ignore[no-untyped-call]
            x,
            base.weight,
            base.bias,
            self.lora_A[name].weight,
            self.lora_B[name].weight,
            self.scaling[name],
        )
        return made

    def _is_plain(self) -> bool:
        return (
            not self.disable_adapters
            and not self.merged
            and len(self.active_adapters) == 1
            and self.active_adapters[0] in self.lora_A
        )


def use_lowrank(config: LoraConfig, lora: LoraSettings) -> None:
    """Let PEFT build these layers where they compute the same: not with dropout, DoRA or 4 bits."""
    if lora.dropout == 0 and not lora.dora and not lora.qlora:
        # PEFT's documented way to bring layers of one's own; the mapping is not saved.
        config._register_custom_module({torch.nn.Linear: LowRankLinear})
