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

import torch

from domain.errors import TrainingError
from training.batches import Plan, for_rank, micro_batches, plan_steps
from training.examples import build_examples, parse_conversations
from training.loss import token_losses
from training.models import add_lora, base_name, hush, load_base, load_tokenizer
from training.schedule import rate_at

if TYPE_CHECKING:
    from peft import PeftModel

    from training.examples import TrainingExample
    from training.job import TrainJob
    from training.ranks import Ranks

LogRow: TypeAlias = dict[str, float]
Report: TypeAlias = Callable[[LogRow, "Path | None"], None]
"""Called by every rank after a checkpointed step, with the folder on rank 0 and None elsewhere."""

MICRO_BATCH_TOKENS = 4096
"""Tokens, padding included, that one forward pass takes at most."""
CHECKPOINTS = 4
"""Checkpoints of a run, the last one at its end."""
CLIP = 1.0
"""Largest norm of the gradient."""
LOG_FILE, STATE_FILE = "train-log.jsonl", "trainer.pt"


@dataclass
class Trainee:
    """What changes while training: the weights, the optimiser, the step and the log."""

    model: PeftModel
    optimizer: torch.optim.Optimizer
    log: list[LogRow] = field(default_factory=list)

    @property
    def weights(self) -> list[torch.nn.Parameter]:
        """The LoRA matrices."""
        return [weight for weight in self.model.parameters() if weight.requires_grad]


def plan_of(job: TrainJob) -> Plan:
    """Lay out the steps of `job`; every rank comes to the same plan."""
    settings = job.settings
    conversations = parse_conversations(job.messages, f"blend {job.variant}")
    examples = build_examples(load_tokenizer(job.base), conversations, settings.max_length)
    return plan_steps(examples, settings.supervised_tokens, settings.tokens_per_step, job.seed)


def train(job: TrainJob, ranks: Ranks, report: Report, resume: Path | None = None) -> None:
    """Train one variant, from `resume` on if it is given.

    Raises:
        TrainingError: The base or the blend cannot be used, or the loss is not a number.
    """
    hush()
    torch.set_num_threads(job.threads)
    plan = plan_of(job)
    trainee = _begin(job, ranks)
    if resume is not None:
        _restore(trainee, resume)
    every = math.ceil(len(plan.steps) / CHECKPOINTS)
    for step in range(len(trainee.log), len(plan.steps)):
        row = _take_step(job, ranks, trainee, plan.steps[step], step / len(plan.steps))
        _watch(job, ranks, row)
        if (step + 1) % every == 0 or step + 1 == len(plan.steps):
            _checkpoint(trainee, ranks, report)


def _begin(job: TrainJob, ranks: Ranks) -> Trainee:
    torch.manual_seed(job.seed)  # the same adapter on every rank
    base = load_base(job.base, ranks.device)
    model = add_lora(base, job.settings.lora, base_name(job.base))
    torch.manual_seed(job.seed + 1 + ranks.rank)  # its own dropout on every rank
    model.train()
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=job.settings.learning_rate, weight_decay=0.0)
    return Trainee(model, optimizer)


def _take_step(
    job: TrainJob,
    ranks: Ranks,
    trainee: Trainee,
    examples: tuple[TrainingExample, ...],
    done: float,
) -> LogRow:
    settings, started = job.settings, time.perf_counter()
    share = rate_at(done, settings.warmup_share)
    trainee.optimizer.param_groups[0]["lr"] = settings.learning_rate * share
    mine = for_rank(examples, ranks.rank, ranks.size)
    supervised = sum(example.supervised for example in examples)
    loss_sum, computed = backward(trainee.model, mine, supervised, ranks)
    loss = loss_sum / supervised
    _refuse_nan(loss, job, len(trainee.log))
    norm = torch.nn.utils.clip_grad_norm_(trainee.weights, CLIP)
    trainee.optimizer.step()
    trainee.optimizer.zero_grad(set_to_none=True)
    seconds = time.perf_counter() - started
    before = trainee.log[-1]["supervised_tokens"] if trainee.log else 0
    row = {
        "step": len(trainee.log) + 1,
        "loss": loss,
        "learning_rate": settings.learning_rate * share,
        "gradient_norm": float(norm),
        "supervised_tokens": before + supervised,
        "computed_tokens": computed,
        "seconds": seconds,
        "supervised_tokens_per_s": supervised / seconds,
    }
    trainee.log.append(row)
    return row


def backward(
    model: PeftModel, mine: list[TrainingExample], supervised: int, ranks: Ranks
) -> tuple[float, int]:
    """Add the step's gradients to the weights' `grad`, summed over ranks.

    Args:
        model: The adapted model.
        mine: This rank's examples, possibly none.
        supervised: Supervised tokens of the whole step, over all ranks.
        ranks: Who else computes.

    Returns:
        The loss summed over the step's tokens, in nats, and the tokens computed with padding.
    """
    loss_sum, computed = 0.0, 0
    pad = model.config.pad_token_id or 0
    for batch in micro_batches(mine, MICRO_BATCH_TOKENS, pad):
        loss = token_losses(model, batch, ranks.device).sum()
        torch.autograd.backward(loss / supervised)
        loss_sum += loss.item()
        computed += batch.input_ids.size
    ranks.add_gradients([weight for weight in model.parameters() if weight.requires_grad])
    loss_sum, total = ranks.add_numbers(loss_sum, float(computed))
    return loss_sum, int(total)


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


def _checkpoint(trainee: Trainee, ranks: Ranks, report: Report) -> None:
    """Save on rank 0; report on every rank, because reporting waits for all of them."""
    if ranks.rank != 0:
        report(trainee.log[-1], None)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trainee.model.save_pretrained(str(folder), save_embedding_layers=False)
        torch.save(trainee.optimizer.state_dict(), folder / STATE_FILE)
        lines = [json.dumps(row) + "\n" for row in trainee.log]
        (folder / LOG_FILE).write_text("".join(lines), encoding="utf-8")
        report(trainee.log[-1], folder)


def _restore(trainee: Trainee, folder: Path) -> None:
    """Go on from a checkpoint: adapter, optimiser and log; the log's length is the step."""
    from peft import load_peft_weights, set_peft_model_state_dict

    weights: dict[str, Any] = load_peft_weights(str(folder), device="cpu")
    set_peft_model_state_dict(trainee.model, weights)
    state = torch.load(folder / STATE_FILE, weights_only=True)
    trainee.optimizer.load_state_dict(state)
    lines = (folder / LOG_FILE).read_text(encoding="utf-8").splitlines()
    trainee.log = [json.loads(line) for line in lines]
