"""Which example goes into which step, and which examples are computed together.

A variant with less material repeats it; the last example is cut so that every variant is trained
on exactly as many tokens, in as many steps. The plan is the same for every rank and holds indices
only: a step's tokens are read when it is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

import numpy as np

from domain.errors import TrainingError
from training.examples import TrainingExample
from training.packing import best_fit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

Step = tuple[TrainingExample, ...]


class Steps(Sequence[Step]):
    """The steps of a run; each is cut out of the examples when it is asked for."""

    def __init__(
        self,
        examples: Sequence[TrainingExample],
        pieces: NDArray[np.int64],
        starts: NDArray[np.int64],
    ) -> None:
        """Take `pieces` [P, 3] of (example, first, end of its supervised tokens) in order.

        Step s has the pieces from `starts[s]` to `starts[s + 1]`.
        """
        self._examples, self._pieces, self._starts = examples, pieces, starts

    def __len__(self) -> int:
        """How many optimiser steps the run takes."""
        return len(self._starts) - 1

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | Sequence[Step]:
        """Read the examples of one step, or of several."""
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        step = index % len(self)
        rows = self._pieces[self._starts[step] : self._starts[step + 1]].tolist()
        return tuple(_piece(self._examples[which], first, end) for which, first, end in rows)


@dataclass(frozen=True)
class Plan:
    """The steps of a training run, each a tuple of examples; equal for all ranks."""

    steps: Steps
    supervised_tokens: int
    examples: int
    """Sequences that the steps draw from."""
    epochs: float
    """How often the material is gone through."""


@dataclass(frozen=True)
class MicroBatch:
    """Sequences that are computed together: one row of T tokens, end to end, without padding.

    `input_ids` [T]; `position_ids` [T] begin at 0 in each sequence; `starts` [S + 1] is where each
    sequence begins, and T. `positions` [N] are the places whose *next* token is supervised, and
    `labels` [N] those tokens.
    """

    input_ids: NDArray[np.int64]
    position_ids: NDArray[np.int64]
    starts: NDArray[np.int32]
    positions: NDArray[np.int64]
    labels: NDArray[np.int64]

    @property
    def longest(self) -> int:
        """Tokens of the longest sequence."""
        return int(np.diff(self.starts).max())


def plan_steps(
    examples: Sequence[TrainingExample],
    supervised_tokens: int,
    tokens_per_step: int,
    seed: int,
    *,
    keep_order: bool = False,
) -> Plan:
    """Lay `supervised_tokens` tokens out over about supervised_tokens / tokens_per_step steps.

    Each pass over the examples has its own seeded order, or theirs with `keep_order`. An example
    belongs to the step in which its first supervised token falls, so steps hold *about*
    `tokens_per_step` tokens.

    Raises:
        TrainingError: No example has a supervised token.
    """
    counts = supervised_counts(examples)
    total = int(counts.sum())
    if not total:
        raise TrainingError(
            "there is nothing to train on",
            expected="at least one supervised token",
            got=f"{len(examples)} examples",
            mend="Raise training.max_length or check the blend.",
        )
    count = max(1, round(supervised_tokens / tokens_per_step))
    shares = _shares(counts, max(1, tokens_per_step // 2))
    passes = -(-supervised_tokens // total)
    order = np.concatenate(
        [
            np.arange(len(shares))
            if keep_order
            else np.random.default_rng((seed, epoch)).permutation(len(shares))
            for epoch in range(passes)
        ]
    )
    pieces = shares[order]
    before = np.concatenate([[0], np.cumsum(pieces[:, 2] - pieces[:, 1])])
    used = int(np.searchsorted(before, supervised_tokens))
    pieces, before = pieces[:used], before[:used]
    pieces[-1, 2] = pieces[-1, 1] + supervised_tokens - before[-1]
    step_of = np.minimum(before // tokens_per_step, count - 1)
    starts = np.searchsorted(step_of, np.arange(count + 1))
    steps = Steps(examples, pieces, starts.astype(np.int64))
    return Plan(steps, supervised_tokens, len(examples), supervised_tokens / total)


def supervised_counts(examples: Sequence[TrainingExample]) -> NDArray[np.int64]:
    """Supervised tokens of each example; a stored corpus knows them without reading its tokens."""
    known = getattr(examples, "supervised", None)
    if known is None:
        known = [example.supervised for example in examples]
    return np.asarray(known, dtype=np.int64)


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
    examples: Sequence[TrainingExample], tokens: int, *, packed: bool = True
) -> Iterator[MicroBatch]:
    """Pack examples best-fit into rows of at most `tokens` tokens; one each if not `packed`."""
    lengths = [len(example) for example in examples]
    for row in best_fit(lengths, tokens if packed else 1):
        yield lay_out([examples[index] for index in row])


def lay_out(examples: Sequence[TrainingExample]) -> MicroBatch:
    """Put examples end to end."""
    lengths = [len(example) for example in examples]
    ids = np.concatenate([example.input_ids for example in examples])
    targets = np.flatnonzero(np.concatenate([example.loss_mask for example in examples]))
    return MicroBatch(
        input_ids=ids,
        position_ids=np.concatenate([np.arange(length) for length in lengths]),
        starts=np.cumsum([0, *lengths], dtype=np.int32),
        positions=targets - 1,
        labels=ids[targets],
    )


def _shares(counts: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Share out examples with more than `most` supervised tokens, so that no step is empty.

    Returns:
        [P, 3] of (example, first, end): parts of at most `most` tokens, in order.
    """
    parts = -(-counts // most)
    which = np.repeat(np.arange(len(counts)), parts)
    first_part = np.repeat(np.cumsum(parts) - parts, parts)
    first = (np.arange(len(which)) - first_part) * most
    return np.stack([which, first, np.minimum(first + most, counts[which])], axis=1)


def _piece(example: TrainingExample, first: int, end: int) -> TrainingExample:
    """The same example with its supervised tokens `first` to `end` only, and nothing after them."""
    places = np.flatnonzero(example.loss_mask)
    if first == 0 and end == len(places):
        return example
    mask = np.zeros(places[end - 1] + 1, dtype=np.bool_)
    mask[places[first:end]] = True
    return TrainingExample(example.record_id, example.input_ids[: len(mask)], mask)
