"""One loss for all legs: the plain model of transformers, one sequence at a time, full logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file
from torch.nn import functional

from benchmarks.tuning.bout import SEED, Bout, Sequences
from training.method import add_lora
from training.models import hush, load_base

if TYPE_CHECKING:
    from collections.abc import Mapping


class HeldOut:
    """Measures adapters; shares nothing with the legs but the base and PEFT."""

    def __init__(self, bout: Bout) -> None:
        hush()
        torch.set_num_threads(bout.threads)
        torch.manual_seed(SEED)
        device = torch.device(bout.device)
        base = load_base(bout.base, device, bout.settings.precision)
        base.set_attn_implementation("sdpa")
        self._model = add_lora(base, bout.settings.lora, "base").eval()
        self._rows = Sequences.read(bout.held_out).rows()
        self._device = device

    def lap(self, adapter: str) -> float:
        """Nats per supervised token with the adapter at a path; of the bare base with "".

        Raises:
            ValueError: The file does not hold exactly the adapter's weights.
        """
        if not adapter:
            with self._model.disable_adapter():
                return self._loss()
        self._put(load_file(adapter))
        return self._loss()

    def _loss(self) -> float:
        loss, count = 0.0, 0
        with torch.no_grad():
            for tokens, learned in self._rows:
                ids = torch.from_numpy(tokens).to(self._device)[None]
                logits = self._model(input_ids=ids, use_cache=False).logits[0, :-1].float()
                losses = functional.cross_entropy(logits, ids[0, 1:], reduction="none")
                mask = torch.from_numpy(learned[1:]).to(self._device)
                loss += float(losses[mask].double().sum())
                count += int(mask.sum())
        return loss / count

    def _put(self, values: Mapping[str, torch.Tensor]) -> None:
        own = {name: one for name, one in self._model.named_parameters() if one.requires_grad}
        if own.keys() != values.keys():
            stray = sorted(own.keys() ^ values.keys())
            raise ValueError(f"another adapter than expected: {stray[:3]}")
        with torch.no_grad():
            for name, weight in own.items():
                weight.copy_(values[name])
