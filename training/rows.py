"""A rank's rows, as many on every rank that shares a model, and the loss of held-out ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from training.batches import MicroBatch, for_rank, micro_batches
from training.sharding import is_sharded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.examples import TrainingExample
    from training.loss import LossPath
    from training.ranks import Ranks
    from training.trainee import Trainee


def rows_of(
    path: LossPath, examples: Sequence[TrainingExample], ranks: Ranks, tokens: int
) -> list[tuple[MicroBatch, bool]]:
    """This rank's rows, and whether each counts.

    Ranks that share a model's weights have to go through it equally often; one that has fewer rows
    goes through a row again that counts for nothing.
    """
    shares = [for_rank(examples, rank, ranks.size) for rank in range(ranks.size)]
    rows = [(row, True) for row in micro_batches(shares[ranks.rank], tokens, packed=path.packs)]
    if any(map(is_sharded, path.model.parameters())):
        most = max(sum(1 for _ in micro_batches(one, tokens, packed=path.packs)) for one in shares)
        [filler] = micro_batches([min(examples, key=len)], tokens)
        rows += [(filler, False)] * (most - len(rows))
    return rows


def held_out_loss(ranks: Ranks, trainee: Trainee, examples: Sequence[TrainingExample]) -> float:
    """Nats per supervised token of `examples`, over all ranks."""
    loss_sum = 0.0
    trainee.model.eval()
    with torch.no_grad():
        for batch, counts in rows_of(trainee.path, examples, ranks, trainee.batch_tokens):
            loss = float(trainee.path.losses(batch).double().sum())
            loss_sum += loss if counts else 0.0
    trainee.model.train()
    (loss_sum,) = ranks.add_numbers(loss_sum)
    return loss_sum / sum(example.supervised for example in examples)
