"""The loss of supervised tokens, with logits computed only where there is a loss, in chunks."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional
from transformers.modeling_outputs import BaseModelOutputWithPast

from domain.errors import TrainingError
from training import attention
from training.batches import MicroBatch, lay_out
from training.examples import TrainingExample

if TYPE_CHECKING:
    from collections.abc import Iterator

SPLIT, HOOK, WHOLE = "split", "hook", "whole"
"""How logits come about: the head by itself, in chunks; within the model's own pass, on supervised
places only; or everywhere, for models whose head cannot be told apart."""
CHUNKS = {"cpu": 2**22, "cuda": 2**27}
"""Logits of one chunk: 16 MiB in float32 on a CPU, where they stay in its caches; 512 MiB on a
card, where each chunk reads the whole head and a small one would wait for nothing else."""
_LENGTHS = (9, 6, 4)
"""Tokens of the sequences on which a path is tried."""


@dataclass(frozen=True)
class LossPath:
    """A way to compute one model's losses that was tried on it and found to be right."""

    model: Any
    """A causal LM of transformers, adapted by PEFT or not."""
    device: torch.device
    attention: str
    head: str

    @property
    def packs(self) -> bool:
        """Whether a row may hold more than one sequence."""
        return self.attention != attention.ALONE

    def losses(self, batch: MicroBatch) -> torch.Tensor:
        """Return the negative log-likelihood of each supervised token: [N] float32, in nats."""
        labels = torch.from_numpy(batch.labels).to(self.device)
        return torch.cat(
            [
                functional.cross_entropy(logits.float(), part, reduction="none")
                for logits, part in self._chunks(self._states(batch), labels)
            ]
        )

    def backward(self, batch: MicroBatch, divisor: float) -> float:
        """Add the gradients of (summed loss / divisor) to the weights; return the summed loss.

        Each chunk of logits is gone before the next one is made: the chunks' gradients with respect
        to the body's output are gathered first, and go through the body once.
        """
        states = self._states(batch)
        labels = torch.from_numpy(batch.labels).to(self.device)
        if self.head != SPLIT:
            loss = functional.cross_entropy(states.float(), labels, reduction="sum")
            torch.autograd.backward(loss / divisor)
            return loss.item()
        leaf = states.detach().requires_grad_()
        total = torch.zeros((), device=self.device)
        for logits, part in self._chunks(leaf, labels):
            loss = functional.cross_entropy(logits.float(), part, reduction="sum")
            torch.autograd.backward(loss / divisor)
            total += loss.detach()
        if states.requires_grad:
            torch.autograd.backward(states, leaf.grad)
        return total.item()

    def logits(self, batch: MicroBatch) -> torch.Tensor:
        """Return the logits at all places of `batch.positions`: [N, V]."""
        labels = torch.from_numpy(batch.labels).to(self.device)
        return torch.cat([one for one, _ in self._chunks(self._states(batch), labels)])

    def _states(self, batch: MicroBatch) -> torch.Tensor:
        """The body's output [N, H] where a loss is taken; with another head than SPLIT, logits."""
        asked = {
            "input_ids": torch.from_numpy(batch.input_ids)[None].to(self.device),
            "position_ids": torch.from_numpy(batch.position_ids)[None].to(self.device),
            "use_cache": False,  # with a cache, positions no longer tell sequences apart
            **attention.borders(self.attention, batch, self.device),
        }
        places = torch.from_numpy(batch.positions).to(self.device)
        if self.head == SPLIT:
            causal = _causal(self.model)
            body = getattr(causal, causal.base_model_prefix)
            return body(**asked).last_hidden_state[0].index_select(0, places)  # type: ignore[no-any-return]
        if self.head == HOOK:
            with _head_sees_only(self.model, places):
                return self.model(**asked).logits[0]  # type: ignore[no-any-return]
        return self.model(**asked).logits[0].index_select(0, places)  # type: ignore[no-any-return]

    def _chunks(
        self, states: torch.Tensor, labels: torch.Tensor
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield logits [n, V] and labels [n]."""
        if self.head != SPLIT:
            yield states, labels
            return
        causal = _causal(self.model)
        vocabulary = causal.get_output_embeddings().weight.shape[0]
        size = max(1, CHUNKS.get(self.device.type, CHUNKS["cpu"]) // vocabulary)
        for hidden, part in zip(torch.split(states, size), torch.split(labels, size), strict=True):
            with _body_gives(causal, hidden[None]):
                yield causal(input_ids=part[None], use_cache=False).logits[0], part


def find_path(
    model: Any,  # noqa: ANN401 - any causal LM, adapted or not
    device: torch.device,
    asked: str = "auto",
    heads: tuple[str, ...] = (SPLIT, HOOK, WHOLE),
) -> LossPath:
    """Try ways to compute packed rows on the model itself; return the first that is right.

    Right is: three sequences in one row have the logits that each has by itself under the attention
    which the model was loaded with. Positions that restart are not enough for every model, and one
    that lets sequences see each other would train without an error.

    Raises:
        TrainingError: No way is right, or not the one that was asked for.
    """
    causal = _causal(model)
    loaded_with = causal.config._attn_implementation
    training = model.training
    model.eval()
    tried: list[str] = []
    try:
        with torch.no_grad():
            sample = [_sample(length, causal.config) for length in _LENGTHS]
            expected = _alone(model, sample, device)
            for kind in attention.candidates(asked, device):
                try:
                    attention.use(causal, kind, loaded_with)
                except (ValueError, ImportError, RuntimeError, KeyError) as error:
                    tried.append(f"{kind}: {error}")
                    continue
                for head in heads:
                    path = LossPath(model, device, kind, head)
                    wrong = _wrong(path, sample, expected)
                    if wrong is None:
                        return path
                    tried.append(f"{kind}/{head}: {wrong}")
    finally:
        model.train(training)
    causal.set_attn_implementation(loaded_with)
    raise TrainingError(
        "packed sessions cannot be kept apart in this base",
        where=f"training.attention: {asked}",
        expected="the logits that each session has by itself",
        got="; ".join(line.splitlines()[0] for line in tried),
        mend="Set training.attention: auto, or choose another base.",
    )


def _sample(length: int, config: Any) -> TrainingExample:  # noqa: ANN401 - a model's config
    ids = np.random.default_rng(length).integers(0, min(config.vocab_size, 256), length)
    mask = np.ones(length, dtype=np.bool_)
    mask[0] = False
    return TrainingExample("sample", ids.astype(np.int64), mask)


def _alone(model: Any, sample: list[TrainingExample], device: torch.device) -> torch.Tensor:  # noqa: ANN401 - see LossPath
    """What the model as it was loaded says to each sequence by itself: [N, V]."""
    return torch.cat(
        [
            model(input_ids=torch.from_numpy(one.input_ids)[None].to(device)).logits[0, :-1]
            for one in sample
        ]
    ).float()


def _wrong(path: LossPath, sample: list[TrainingExample], expected: torch.Tensor) -> str | None:
    """Say what is wrong with a path, or None."""
    rows = [sample] if path.packs else [[one] for one in sample]
    try:
        got = torch.cat([path.logits(lay_out(row)) for row in rows]).float()
    except Exception as error:  # noqa: BLE001 - models fail in their own ways; it is reported
        return f"{type(error).__name__}: {error}"
    if got.shape != expected.shape:
        return f"logits {tuple(got.shape)} in place of {tuple(expected.shape)}"
    close = 1e-3 if path.model.dtype == torch.float32 else 5e-2
    off = float((got - expected).abs().max() / expected.std())
    return None if off < close else f"logits are off by {off:.2g} of their deviation"


def _causal(model: Any) -> Any:  # noqa: ANN401 - see LossPath
    """The causal LM inside PEFT's wrapping."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


class _Given(torch.nn.Module):
    """Stands for a model's body and returns hidden states that are known already."""

    def __init__(self, hidden: torch.Tensor) -> None:
        super().__init__()
        self.hidden = hidden

    def forward(self, *_: Any, **__: Any) -> BaseModelOutputWithPast:  # noqa: ANN401 - any body
        return BaseModelOutputWithPast(last_hidden_state=self.hidden)


@contextmanager
def _body_gives(causal: Any, hidden: torch.Tensor) -> Iterator[None]:  # noqa: ANN401 - see LossPath
    """Let the model compute logits from `hidden` [1, n, H]: its head, scaling and soft caps."""
    prefix = causal.base_model_prefix
    body = causal._modules[prefix]
    causal._modules[prefix] = _Given(hidden)
    try:
        yield
    finally:
        causal._modules[prefix] = body


@contextmanager
def _head_sees_only(model: Any, places: torch.Tensor) -> Iterator[None]:  # noqa: ANN401 - see LossPath
    """Let the output layer see hidden states [1, N, H] in place of [1, T, H]."""

    def choose(_: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return (inputs[0][0].index_select(0, places).unsqueeze(0), *inputs[1:])

    hook = model.get_output_embeddings().register_forward_pre_hook(choose)
    try:
        yield
    finally:
        hook.remove()
