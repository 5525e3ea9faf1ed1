"""The loss of supervised tokens, with logits computed only where there is a loss."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Iterator

    from training.batches import MicroBatch


def token_losses(model: Any, batch: MicroBatch, device: torch.device) -> torch.Tensor:  # noqa: ANN401 - any causal LM, adapted or not
    """Return the negative log-likelihood of each supervised token: [N] float32, in nats."""
    positions = torch.from_numpy(batch.positions).to(device)
    with _head_sees_only(model, positions):
        output = model(input_ids=torch.from_numpy(batch.input_ids).to(device), use_cache=False)
    labels = torch.from_numpy(batch.labels).to(device)
    return functional.cross_entropy(output.logits[0].float(), labels, reduction="none")


@contextmanager
def _head_sees_only(model: Any, positions: torch.Tensor) -> Iterator[None]:  # noqa: ANN401 - see above
    """Let the output layer see hidden states [1, N, H] in place of [B, L, H].

    A hook in front of the layer, rather than a call of it, keeps what a model does to its logits
    afterwards (scaling, soft caps). The logits of a large vocabulary are most of the memory.
    """

    def choose(_: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        hidden = inputs[0]
        return (hidden.reshape(-1, hidden.shape[-1])[positions].unsqueeze(0), *inputs[1:])

    hook = model.get_output_embeddings().register_forward_pre_hook(choose)
    try:
        yield
    finally:
        hook.remove()
