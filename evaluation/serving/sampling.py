"""Drawing tokens for a batch so that no row's answer depends on the rows beside it.

`model.generate` draws every row of a batch from one generator, so the same request answers
differently in other company. Here each row has its own generator, seeded by its request.

What this does not cover by itself: matrix products round differently in batches of other
shapes, by about 1e-6 in float32. `evaluation.serving.models` chooses a precision or a fixed batch
shape that keeps this from reaching a drawn token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from evaluation.serving.requests import Sampling
    from evaluation.serving.streaming import Telling
    from evaluation.serving.structured import Grammar


@dataclass
class Row:
    """One request on its way through a batch."""

    model: str
    """Name of the model that is asked."""
    prompt: list[int]
    sampling: Sampling
    limit: int
    """Tokens it may still produce."""
    generator: torch.Generator
    grammar: Grammar | None = None
    """What the answer must be, where the request says."""
    telling: Telling | None = None
    """Who is told of the answer while it grows, where the request is streamed."""
    abandoned: bool = False
    """Whether nobody waits for the answer any more."""
    tokens: list[int] = field(default_factory=list)
    text: str = ""
    finish_reason: str = ""

    @property
    def done(self) -> bool:
        """Whether nothing more is drawn for it."""
        return self.abandoned or bool(self.finish_reason)


def make_row(model: str, prompt: list[int], sampling: Sampling, limit: int) -> Row:
    """Start a row; without a seed in the request it draws one of its own."""
    generator = torch.Generator()
    if sampling.seed is None:
        generator.seed()
    else:
        generator.manual_seed(sampling.seed % 2**63)
    return Row(model=model, prompt=prompt, sampling=sampling, limit=limit, generator=generator)


def draw(logits: torch.Tensor, rows: list[Row]) -> list[int]:
    """Choose the next token of every row.

    Args:
        logits: [B, V] of any float type; row i belongs to `rows[i]`.
        rows: One for each row of `logits`. A finished row is given a token all the same, but
            its generator is left alone.

    Returns:
        B token ids. Temperature 0 takes the first of the likeliest; otherwise the token at which
        the cumulative probability (after `top_p`) passes a uniform number of the row's own.
    """
    logits = _within_grammars(logits, rows)
    greedy = logits.argmax(dim=-1)
    if all(row.done or row.sampling.temperature == 0 for row in rows):
        return [int(token) for token in greedy.tolist()]
    kept = _nucleus(_probabilities(logits, rows), rows)
    uniform = torch.tensor([_uniform(row) for row in rows], dtype=torch.float64)
    cumulative = kept.cumsum(dim=-1)
    threshold = uniform.to(cumulative.device)[:, None] * cumulative[:, -1:]
    sampled = torch.searchsorted(cumulative, threshold, right=True)[:, 0]
    sampled = sampled.clamp(max=logits.shape[-1] - 1)
    cold = torch.tensor([row.sampling.temperature == 0 for row in rows], device=logits.device)
    return [int(token) for token in torch.where(cold, greedy, sampled).tolist()]


def _within_grammars(logits: torch.Tensor, rows: list[Row]) -> torch.Tensor:
    """Put out of the draw what a row's grammar does not allow next."""
    bound = [
        (index, row.grammar)
        for index, row in enumerate(rows)
        if row.grammar is not None and not row.done
    ]
    if not bound:
        return logits
    logits = logits.clone()
    for index, grammar in bound:
        logits[index].masked_fill_(~grammar.allowed().to(logits.device), -torch.inf)
    return logits


def _probabilities(logits: torch.Tensor, rows: list[Row]) -> torch.Tensor:
    """Return [B, V] float64 probabilities at each row's temperature."""
    temperatures = torch.tensor(
        [row.sampling.temperature or 1.0 for row in rows],
        dtype=torch.float64,
        device=logits.device,
    )
    return torch.softmax(logits.double() / temperatures[:, None], dim=-1)


def _nucleus(probabilities: torch.Tensor, rows: list[Row]) -> torch.Tensor:
    """Zero what lies outside the smallest set of tokens that holds `top_p` of the mass.

    Source: Holtzman et al., ICLR 2020, The Curious Case of Neural Text Degeneration.
    """
    limits = torch.tensor(
        [row.sampling.top_p for row in rows], dtype=torch.float64, device=probabilities.device
    )
    if bool((limits >= 1).all()):
        return probabilities
    ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)
    before = ordered.cumsum(dim=-1) - ordered
    outside = (before >= limits[:, None]) & (limits[:, None] < 1)
    return probabilities.masked_fill(outside.gather(-1, order.argsort(dim=-1)), 0.0)


def _uniform(row: Row) -> float:
    if row.done or row.sampling.temperature == 0:
        return 0.0
    return float(torch.rand((), generator=row.generator, dtype=torch.float64))
