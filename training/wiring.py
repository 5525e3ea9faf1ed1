"""Gives an untrained Llama a pair of attention heads that copy: a start that few steps cannot find.

An induction head continues what was said before: at the second `brindle`, it looks up what came
after the first (Olsson et al., 2022, "In-context learning and induction heads"). It takes a pair:
a head in layer 0 that notes, at each token, which token stood before it, and a head in layer 1
that looks for the place where the noted token is the present one, and copies the token there.
Small models find the pair only after many millions of tokens. Here it is written into the first
weights, on dimensions of the residual stream that nothing else writes to before it has read them:

    0              a constant, from which attention by position alone is made
    1 .. CODE      the token's code, random signs, the same for ever
    .. 2 * CODE    the code of the token before
    the rest       free

The wired entries are held in place while the base is trained; what comes out is a plain Llama.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import LlamaForCausalLM

CODE = 32
"""Dimensions of a token's code: two codes agree in about half of their signs, +-3 of 32."""
CONSTANT = 0.5
STRENGTH = 0.25
"""Size of one entry of a code."""
LOOK_BACK = 60.0
"""Sharpness of the look at the token before."""
LOOK_UP = 30.0
"""Score of a match, where chance has a deviation of a sixth of that."""
NOTE = 1.0
"""Size of a noted code, in codes."""
COPY = 4.0
"""Size of a copied code, in codes."""
OUTPUT = 0.3
"""How much of a code reaches the output: the present token's own code is in its way there."""
LOWEST_TURN = 0.003
"""Rotary pairs that turn slower than this, in radians per token, compare content at any distance
within a session; faster ones tell neighbours apart."""


@dataclass(frozen=True)
class Held:
    """Entries of one weight that keep their first values: `mask` is True on them."""

    weight: torch.nn.Parameter
    mask: torch.Tensor
    first: torch.Tensor

    @torch.no_grad()
    def restore(self) -> None:
        """Undo what an optimiser step did to them."""
        self.weight.copy_(torch.where(self.mask, self.first, self.weight))


@torch.no_grad()
def wire_copying(model: LlamaForCausalLM, generator: torch.Generator) -> Sequence[Held]:
    """Write the pair of heads into layers 0 and 1 of an untrained model, in place.

    Args:
        model: At least two layers, heads of 2 * CODE dimensions or more, and a hidden size above
            2 * CODE.
        generator: Draws the codes.

    Returns:
        What is to be held in place while the model is trained.
    """
    layers: Any = model.model.layers
    for layer in layers:  # what is not wired is silent at first
        layer.self_attn.o_proj.weight.zero_()
        layer.mlp.down_proj.weight.zero_()
    reserved = slice(0, 1 + 2 * CODE)
    embeddings = model.model.embed_tokens.weight
    signs = torch.randint(0, 2, (embeddings.shape[0], CODE), generator=generator) * 2 - 1
    embeddings[:, reserved] = 0.0
    embeddings[:, 0] = CONSTANT
    embeddings[:, 1 : 1 + CODE] = STRENGTH * signs
    model.model.norm.weight[reserved] = OUTPUT
    turns = _turns(model)
    norm = float(embeddings.pow(2).mean(dim=1).mean().sqrt())
    held = [_hold(embeddings, columns=reserved)]
    held += _look_back(layers[0], turns, norm)
    held += _look_up(layers[1].self_attn, turns, norm)
    return held


def _turns(model: LlamaForCausalLM) -> torch.Tensor:
    """Radians per token of each rotary pair: [head size / 2]."""
    settings: Any = model.config
    size, theta = settings.head_dim, settings.rope_parameters["rope_theta"]
    turns: torch.Tensor = theta ** (-torch.arange(0, size, 2, dtype=torch.float32) / size)
    return turns


def _look_back(layer: Any, turns: torch.Tensor, norm: float) -> list[Held]:  # noqa: ANN401 - a LlamaDecoderLayer
    """Head 0 of `layer`: attend to the token before by position, write its code into the notes.

    With the key turned ahead by one step, the score at distance d is a sum over rotary pairs of
    cos((d - 1) * turn), which is largest at d = 1.
    """
    half, attention = len(turns), layer.self_attn
    rows = slice(0, 2 * half)
    fast = (turns > turns[0] / 8).float() * math.sqrt(LOOK_BACK) * norm / CONSTANT
    query, key = attention.q_proj.weight, attention.k_proj.weight
    query[rows], key[rows], attention.v_proj.weight[rows] = 0.0, 0.0, 0.0
    query[:half, 0] = fast
    key[:half, 0] = fast * turns.cos()
    key[half : 2 * half, 0] = fast * turns.sin()
    code, notes = range(1, 1 + CODE), range(1 + CODE, 1 + 2 * CODE)
    attention.v_proj.weight[range(CODE), code] = 1.0
    attention.o_proj.weight[notes, range(CODE)] = NOTE * norm
    reserved = slice(0, 1 + 2 * CODE)
    return [
        _hold(query, rows=rows),
        _hold(key, rows=rows),
        _hold(attention.v_proj.weight, rows=slice(0, CODE)),
        _hold(attention.o_proj.weight, rows=reserved),
        _hold(layer.mlp.down_proj.weight, rows=reserved),
    ]


def _look_up(attention: Any, turns: torch.Tensor, norm: float) -> list[Held]:  # noqa: ANN401 - a LlamaAttention
    """Head 0: attend to where the note is the present token's code, and copy the code there."""
    size = 2 * len(turns)
    rows = slice(0, size)
    slow = torch.nonzero((turns < LOWEST_TURN).repeat(2)).flatten()[:CODE]
    # The stream now holds a code and a note of it, so its norm is larger than the embedding's.
    scale = math.sqrt(LOOK_UP * math.sqrt(size) / CODE) * norm * math.sqrt(2) / STRENGTH
    query, key = attention.q_proj.weight, attention.k_proj.weight
    query[rows], key[rows] = 0.0, 0.0
    query[slow, torch.arange(1, 1 + len(slow))] = scale
    key[slow, torch.arange(1 + CODE, 1 + CODE + len(slow))] = scale / NOTE
    code = range(1, 1 + CODE)
    attention.v_proj.weight[range(CODE)] = 0.0
    attention.v_proj.weight[range(CODE), code] = 1.0
    attention.o_proj.weight[code, range(CODE)] = COPY * norm * math.sqrt(2)
    return [
        _hold(query, rows=rows),
        _hold(key, rows=rows),
        _hold(attention.v_proj.weight, rows=slice(0, CODE)),
    ]


def _hold(
    weight: torch.nn.Parameter, *, rows: slice | None = None, columns: slice | None = None
) -> Held:
    mask = torch.zeros_like(weight, dtype=torch.bool)
    mask[rows or slice(None), columns or slice(None)] = True
    return Held(weight, mask, weight.detach().clone())
