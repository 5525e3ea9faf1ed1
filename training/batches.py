"""Which example goes into which step: the same for every rank, equal supervised tokens for all.

A variant with less material repeats it; the last example is cut so that every variant is trained
on exactly as many tokens, in as many steps. Longest-first micro-batches keep padding low; packing
would replace `micro_batches` and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from domain.errors import TrainingError
from training.examples import TrainingExample

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Plan:
    """The steps of a training run, each a list of examples; equal for all ranks."""

    steps: tuple[tuple[TrainingExample, ...], ...]
    supervised_tokens: int
    examples: int
    """Sequences that the steps draw from."""
    epochs: float
    """How often the material is gone through."""


@dataclass(frozen=True)
class MicroBatch:
    """Examples that are computed together.

    `input_ids` [B, L], padded on the right: under causal attention nothing looks at what follows,
    so no attention mask is needed. `positions` [N] are the flat indices into [B, L] whose *next*
    token is supervised, and `labels` [N] those tokens.
    """

    input_ids: NDArray[np.int64]
    positions: NDArray[np.int64]
    labels: NDArray[np.int64]


def plan_steps(
    examples: Sequence[TrainingExample], supervised_tokens: int, tokens_per_step: int, seed: int
) -> Plan:
    """Lay `supervised_tokens` tokens out over about supervised_tokens / tokens_per_step steps.

    Each pass over the examples has its own seeded order. An example belongs to the step in which
    its first supervised token falls, so steps hold *about* `tokens_per_step` tokens.

    Raises:
        TrainingError: No example has a supervised token.
    """
    pieces = [piece for one in examples for piece in _pieces(one, max(1, tokens_per_step // 2))]
    total = sum(piece.supervised for piece in pieces)
    if not total:
        raise TrainingError(
            "there is nothing to train on",
            expected="at least one supervised token",
            got=f"{len(examples)} examples",
            mend="Raise training.max_length or check the blend.",
        )
    count = max(1, round(supervised_tokens / tokens_per_step))
    steps: list[list[TrainingExample]] = [[] for _ in range(count)]
    placed = 0
    for piece in _endless(pieces, seed):
        kept = _first(piece, supervised_tokens - placed)
        steps[min(placed // tokens_per_step, count - 1)].append(kept)
        placed += kept.supervised
        if placed == supervised_tokens:
            break
    epochs = supervised_tokens / total
    return Plan(tuple(map(tuple, steps)), supervised_tokens, len(examples), epochs)


def for_rank(step: Sequence[TrainingExample], rank: int, ranks: int) -> list[TrainingExample]:
    """The part of a step that one rank computes: dealt out longest first, there and back."""
    ordered = sorted(range(len(step)), key=lambda index: (-len(step[index]), index))
    mine = []
    for place, index in enumerate(ordered):
        lap, seat = divmod(place, ranks)
        if (seat if lap % 2 == 0 else ranks - 1 - seat) == rank:
            mine.append(step[index])
    return mine


def micro_batches(
    examples: Sequence[TrainingExample], tokens: int, pad_id: int
) -> Iterator[MicroBatch]:
    """Group examples of like length into batches of at most `tokens` tokens, padding included."""
    group: list[TrainingExample] = []
    for example in sorted(examples, key=len, reverse=True):
        if group and len(group[0]) * (len(group) + 1) > tokens:
            yield _stack(group, pad_id)
            group = []
        group.append(example)
    if group:
        yield _stack(group, pad_id)


def _stack(group: Sequence[TrainingExample], pad_id: int) -> MicroBatch:
    length = max(len(example) for example in group)
    ids = np.full((len(group), length), pad_id, dtype=np.int64)
    mask = np.zeros((len(group), length), dtype=np.bool_)
    for row, example in enumerate(group):
        ids[row, : len(example)] = example.input_ids
        mask[row, : len(example)] = example.loss_mask
    targets = np.flatnonzero(mask)
    return MicroBatch(ids, targets - 1, ids.reshape(-1)[targets])


def _endless(pieces: Sequence[TrainingExample], seed: int) -> Iterator[TrainingExample]:
    epoch = 0
    while True:
        for index in np.random.default_rng((seed, epoch)).permutation(len(pieces)):
            yield pieces[index]
        epoch += 1


def _pieces(example: TrainingExample, most: int) -> Iterator[TrainingExample]:
    """Share out an example with more than `most` supervised tokens, so that no step is empty."""
    rest = example
    while rest.supervised > most:
        head = _first(rest, most)
        yield head
        mask = rest.loss_mask.copy()
        mask[: len(head)] = False
        rest = TrainingExample(example.record_id, example.input_ids, mask)
    if rest.supervised:
        yield rest


def _first(example: TrainingExample, tokens: int) -> TrainingExample:
    """The same example with its first `tokens` supervised tokens only, and nothing after them."""
    places = np.flatnonzero(example.loss_mask)
    if len(places) <= tokens:
        return example
    end = int(places[tokens - 1]) + 1
    return TrainingExample(example.record_id, example.input_ids[:end], example.loss_mask[:end])
