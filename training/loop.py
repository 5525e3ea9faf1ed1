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
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from domain.errors import TrainingError
from training.batches import MicroBatch, Plan, for_rank, micro_batches, plan_steps
from training.examples import stream_conversations, stream_examples
from training.gauge import Gauge
from training.loss import HOOK, SPLIT, WHOLE, LossPath, find_path
from training.memory import fitting, is_out_of_memory, row_tokens, too_large
from training.method import adapt, precision_of, quantisation, restore_trained, save_trained
from training.models import base_name, hush, load_base, load_tokenizer
from training.schedule import rate_at
from training.sharding import is_sharded, like, shard, whole
from training.speedups import after_adapting, before_adapting
from training.stopping import Stopping
from training.tokenised import Tokenised, tokenised_key, write_tokenised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.examples import TrainingExample
    from training.job import TrainJob
    from training.ranks import Ranks

LogRow: TypeAlias = dict[str, float]
Report: TypeAlias = Callable[[LogRow, "Path | None"], None]
"""Called by every rank after a checkpointed step, with the folder on rank 0 and None elsewhere."""

LOG_FILE, STATE_FILE, BEST_FILE = "train-log.jsonl", "trainer.safetensors", "best.safetensors"


@dataclass
class Trainee:
    """What changes while training: the weights, the optimiser, the step and the log."""

    model: Any
    """Adapted, or trained whole."""
    path: LossPath
    optimizer: torch.optim.Optimizer
    gauge: Gauge
    batch_tokens: int
    """Tokens of a row; fewer than the settings say once memory has run out."""
    log: list[LogRow] = field(default_factory=list)
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    """With early stopping: the weights that were best on held-out turns so far."""

    @property
    def weights(self) -> dict[str, torch.nn.Parameter]:
        """What is trained, by name."""
        return trained_weights(self.model)


def trained_weights(model: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    """The LoRA matrices and whatever else is trained, by name."""
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


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
            row["held_out_loss"] = held_out_loss(job, ranks, trainee, stopping.examples)
            if stopping.is_best(trainee.log):
                trainee.best = _weights_now(trainee)
        _watch(job, ranks, row)
        ended = stopping.ended(trainee.log)
        if ended and trainee.best:
            _put_weights(trainee, trainee.best)
        if ended or len(trainee.log) % every == 0:
            _checkpoint(trainee, ranks, report, job.base)


def plan_of(job: TrainJob) -> Plan:
    """Lay out the steps of `job`; every rank comes to the same plan.

    Raises:
        TrainingError: The base's tokenizer or the blend cannot be used.
        StoreError: The tokenised blend cannot be written or read.
    """
    examples = tokenised(job, Path(job.blend), job.blend_hash, f"blend {job.variant}")
    settings = job.settings
    return plan_steps(
        examples,
        settings.supervised_tokens,
        settings.tokens_per_step,
        job.seed,
        keep_order=settings.keep_order,
    )


def held_out_of(job: TrainJob) -> Sequence[TrainingExample]:
    """The sessions to stop early on, none without early stopping."""
    from training.job import file_hash

    if job.settings.patience is None or not job.stopping:
        return ()
    path = Path(job.stopping)
    return tokenised(job, path, file_hash(path), "held-out sessions")


def tokenised(job: TrainJob, text: Path, text_hash: str, where: str) -> Tokenised:
    """Open a text's sequences, which are made when they are asked for first."""
    tokenizer, length = load_tokenizer(job.base), job.settings.max_length
    folder = Path(job.data) if job.data else text.parent / "tokenised"
    sequences = stream_examples(tokenizer, stream_conversations(text, where), length)
    return write_tokenised(folder / tokenised_key(tokenizer, text_hash, length), sequences)


def begin(job: TrainJob, ranks: Ranks, resume: Path | None = None) -> Trainee:
    """Load, adapt and share out the base; find a right way to compute its loss.

    Raises:
        TrainingError: The base cannot be used with these settings.
    """
    settings = job.settings
    torch.manual_seed(job.seed)  # the same adapter on every rank
    sharded = settings.parallel == "fsdp" and ranks.size > 1
    # Sharded layer by layer, a base never lies whole on a device; until then it is in main memory.
    place = torch.device("cpu") if sharded else ranks.device
    precision = precision_of(settings)
    base = load_base(job.base, ranks.device, precision, place, quantisation(settings))
    before_adapting(base, settings)
    model = adapt(base, settings, base_name(job.base))
    if resume is not None:
        restore_trained(model, resume)
    if sharded:
        shard(model, ranks)
    # A sharded head is gathered within the model's own pass, as often on every rank.
    heads = (HOOK, WHOLE) if sharded else (SPLIT, HOOK, WHOLE)
    path = find_path(model, ranks.device, settings.attention, heads)
    model.train()
    after_adapting(model, settings)
    weights = list(trained_weights(model).values())
    optimizer = torch.optim.AdamW(
        weights, lr=settings.learning_rate, weight_decay=0.0, fused=not sharded, foreach=sharded
    )
    trainee = Trainee(
        model, path, optimizer, Gauge(model, ranks), row_tokens(settings, ranks.device)
    )
    if resume is not None:
        _restore(trainee, resume)
    return trainee


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
    trainee.optimizer.param_groups[0]["lr"] = settings.learning_rate * share
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
        "learning_rate": settings.learning_rate * share,
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
    for batch, counts in _rows(path, examples, ranks, tokens):
        loss = path.backward(batch, supervised if counts else math.inf)
        if counts:
            loss_sum += loss
            computed += batch.input_ids.size
    return loss_sum, computed


def held_out_loss(
    job: TrainJob, ranks: Ranks, trainee: Trainee, examples: Sequence[TrainingExample]
) -> float:
    """Nats per supervised token of `examples`, over all ranks."""
    loss_sum = 0.0
    trainee.model.eval()
    with torch.no_grad():
        for batch, counts in _rows(trainee.path, examples, ranks, trainee.batch_tokens):
            loss = float(trainee.path.losses(batch).double().sum())
            loss_sum += loss if counts else 0.0
    trainee.model.train()
    (loss_sum,) = ranks.add_numbers(loss_sum)
    return loss_sum / sum(example.supervised for example in examples)


def _rows(
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
        mend=f"Lower training.learning_rate (now {job.settings.learning_rate:g}).",
    )


def _watch(job: TrainJob, ranks: Ranks, row: LogRow) -> None:
    if job.live_log and ranks.rank == 0:
        with Path(job.live_log).open("a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")


def _checkpoint(trainee: Trainee, ranks: Ranks, report: Report, base: str) -> None:
    """Save on rank 0; report on every rank, because reporting waits for all of them."""
    weights, state = _weights_now(trainee), _optimizer_state(trainee)
    if ranks.rank != 0:
        report(trainee.log[-1], None)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_trained(trainee.model, folder, base, weights)
        save_file(state, folder / STATE_FILE)
        if trainee.best:
            save_file(trainee.best, folder / BEST_FILE)
        lines = [json.dumps(row) + "\n" for row in trainee.log]
        (folder / LOG_FILE).write_text("".join(lines), encoding="utf-8")
        report(trainee.log[-1], folder)


def _weights_now(trainee: Trainee) -> dict[str, torch.Tensor]:
    """A copy of what is trained, in main memory, put together where it is shared out."""
    return {name: whole(one).cpu().clone() for name, one in trainee.weights.items()}


def _put_weights(trainee: Trainee, values: dict[str, torch.Tensor]) -> None:
    with torch.no_grad():
        for name, weight in trainee.weights.items():
            weight.copy_(like(weight, values[name]))


def _optimizer_state(trainee: Trainee) -> dict[str, torch.Tensor]:
    """AdamW's state as `weight name|what`."""
    return {
        f"{name}|{what}": whole(value).cpu().clone()
        for name, weight in trainee.weights.items()
        for what, value in trainee.optimizer.state[weight].items()
    }


def _restore(trainee: Trainee, folder: Path) -> None:
    """Go on from a checkpoint: optimiser, best weights and log; the log's length is the step."""
    state = load_file(folder / STATE_FILE)
    for name, weight in trainee.weights.items():
        trainee.optimizer.state[weight] = {
            what: value if what == "step" else like(weight, value)
            for what in ("step", "exp_avg", "exp_avg_sq")
            for value in [state[f"{name}|{what}"]]
        }
    if (folder / BEST_FILE).exists():
        trainee.best = load_file(folder / BEST_FILE)
    lines = (folder / LOG_FILE).read_text(encoding="utf-8").splitlines()
    trainee.log = [json.loads(line) for line in lines]
