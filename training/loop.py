"""The worker loop: plain torch, read from top to bottom; every rank runs it.

The loss is a sum over supervised tokens divided by how many the whole step has, over all ranks
and micro-batches. A mean of per-rank means would weigh a token by how many others happen to be on
its rank.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch

from domain.errors import TrainingError
from training.batches import for_rank
from training.live import LogRow
from training.material import held_out_of, plan_of
from training.memory import fitting, is_out_of_memory, too_large
from training.models import hush
from training.opening import begin
from training.rows import held_out_loss, rows_of
from training.schedule import rate_at
from training.sharding import is_sharded, whole
from training.snapshot import optimizer_state, save_snapshot
from training.stopping import Stopping
from training.trainee import Trainee, put_weights, weights_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.examples import TrainingExample
    from training.job import TrainJob
    from training.loss import LossPath
    from training.ranks import Ranks

Report: TypeAlias = Callable[[LogRow, "Path | None"], None]
"""Called by every rank after a checkpointed step, with the folder on rank 0 and None elsewhere."""


def train(job: TrainJob, ranks: Ranks, report: Report, resume: Path | None = None) -> None:
    """Train one variant, from `resume` on if it is given.

    Raises:
        TrainingError: The base or the blend cannot be used, or the loss is not a number.
    """
    hush()
    torch.set_num_threads(job.threads)
    plan = plan_of(job)
    stopping = Stopping(job.settings.patience, len(plan.steps), held_out_of(job))
    trainee = _begin_or_explain(job, ranks, resume)
    every = math.ceil(len(plan.steps) / job.settings.checkpoints)
    while not stopping.ended(trainee.log):
        row = take_step(job, ranks, trainee, plan.steps[len(trainee.log)], len(plan.steps))
        if stopping.due(trainee.log):
            row["held_out_loss"] = held_out_loss(ranks, trainee, stopping.examples)
            if stopping.is_best(trainee.log):
                trainee.best = weights_now(trainee)
        _watch(job, ranks, row)
        ended = stopping.ended(trainee.log)
        if ended and trainee.best:
            put_weights(trainee, trainee.best)
        if ended or len(trainee.log) % every == 0:
            _checkpoint(trainee, ranks, report, job.base)


def _begin_or_explain(job: TrainJob, ranks: Ranks, resume: Path | None) -> Trainee:
    try:
        return begin(job, ranks, resume)
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            raise too_large(job.settings, f"{job.variant}, loading the base", error) from error
        raise


def take_step(
    job: TrainJob, ranks: Ranks, trainee: Trainee, examples: Sequence[TrainingExample], steps: int
) -> LogRow:
    """Take one optimiser step on `examples`, of which this rank computes its part; log it.

    Raises:
        TrainingError: The loss is not a number, or memory ran out with one session at a time.
    """
    settings, started, step = job.settings, time.perf_counter(), len(trainee.log)
    share = rate_at(step / steps, settings.warmup_share)
    trainee.optimizer.param_groups[0]["lr"] = settings.peak_rate * share
    _seed_dropout(job.seed, step, ranks.rank)
    supervised = sum(example.supervised for example in examples)
    try:
        loss_sum, computed = backward(trainee, examples, ranks, trainee.batch_tokens)
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            raise too_large(settings, f"{job.variant}, step {step + 1}", error) from error
        raise
    loss = loss_sum / supervised
    _refuse_nan(loss, job, step)
    weights = trainee.weights.values()
    norm = whole(torch.nn.utils.clip_grad_norm_(weights, settings.gradient_clip))
    trainee.optimizer.step()
    trainee.optimizer.zero_grad(set_to_none=True)
    seconds = time.perf_counter() - started
    before = trainee.log[-1]["supervised_tokens"] if trainee.log else 0
    row = {
        "step": step + 1,
        "loss": loss,
        "learning_rate": settings.peak_rate * share,
        "gradient_norm": float(norm),
        "supervised_tokens": before + supervised,
        "computed_tokens": computed,
        "seconds": seconds,
        "batch_tokens": trainee.batch_tokens,
        "supervised_tokens_per_s": supervised / seconds,
        **trainee.gauge.reading(computed, seconds),
    }
    trainee.log.append(row)
    return row


def backward(
    trainee: Trainee, examples: Sequence[TrainingExample], ranks: Ranks, batch_tokens: int
) -> tuple[float, int]:
    """Add a step's gradients to the weights' `grad`, summed over ranks.

    Args:
        trainee: The adapted model and how its loss is computed.
        examples: The whole step's examples, of which this rank computes its share.
        ranks: Who else computes.
        batch_tokens: Tokens of one forward pass; halved for good where memory runs out.

    Returns:
        The loss summed over the step's tokens, in nats, and the tokens computed.
    """
    weights, drawn = trainee.weights.values(), torch.initial_seed()

    def attempt(tokens: int) -> tuple[float, int]:
        torch.manual_seed(drawn)  # the same dropout as if this were the first attempt
        for weight in weights:
            weight.grad = None
        return _own_part(trainee.path, examples, ranks, tokens)

    longest = max(map(len, for_rank(examples, ranks.rank, ranks.size)), default=batch_tokens)
    if any(map(is_sharded, weights)):  # ranks go through a shared model together or not at all
        longest = batch_tokens
    (loss_sum, computed), trainee.batch_tokens = fitting(attempt, batch_tokens, longest)
    ranks.add_gradients([one for one in weights if not is_sharded(one)])
    loss_sum, total = ranks.add_numbers(loss_sum, float(computed))
    return loss_sum, int(total)


def _own_part(
    path: LossPath, examples: Sequence[TrainingExample], ranks: Ranks, tokens: int
) -> tuple[float, int]:
    """Go through this rank's rows; return their summed loss and tokens."""
    loss_sum, computed = 0.0, 0
    supervised = sum(example.supervised for example in examples)
    for batch, counts in rows_of(path, examples, ranks, tokens):
        loss = path.backward(batch, supervised if counts else math.inf)
        if counts:
            loss_sum += loss
            computed += batch.input_ids.size
    return loss_sum, computed


def _seed_dropout(seed: int, step: int, rank: int) -> None:
    """Draw each step's dropout by itself, so that a resumed run draws the same."""
    state = np.random.SeedSequence((seed, step, rank)).generate_state(1, np.uint64)
    torch.manual_seed(int(state[0]))


def _refuse_nan(loss: float, job: TrainJob, step: int) -> None:
    if math.isfinite(loss):
        return
    raise TrainingError(
        "the loss is no longer a number",
        where=f"{job.variant}, step {step + 1}",
        expected="a finite loss",
        got=str(loss),
        mend=f"Lower training.learning_rate (now {job.settings.peak_rate:g}).",
    )


def _watch(job: TrainJob, ranks: Ranks, row: LogRow) -> None:
    if job.live_log and ranks.rank == 0:
        with Path(job.live_log).open("a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")


def _checkpoint(trainee: Trainee, ranks: Ranks, report: Report, base: str) -> None:
    """Save on rank 0; report on every rank, because reporting waits for all of them."""
    weights, state = weights_now(trainee), optimizer_state(trainee)
    if ranks.rank != 0:
        report(trainee.log[-1], None)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_snapshot(trainee, folder, base, weights, state)
        report(trainee.log[-1], folder)
