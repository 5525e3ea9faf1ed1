"""How a trainee begins: the base loaded, adapted and shared out, its loss found, a log read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from training.gauge import Gauge
from training.loss import HOOK, SPLIT, WHOLE, find_path
from training.memory import row_tokens
from training.method import adapt, precision_of, quantisation, restore_trained
from training.models import base_name, load_base
from training.sharding import shard
from training.snapshot import restore
from training.speedups import after_adapting, before_adapting
from training.trainee import Trainee, trained_weights

if TYPE_CHECKING:
    from pathlib import Path

    from training.job import TrainJob
    from training.ranks import Ranks


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
        weights, lr=settings.peak_rate, weight_decay=0.0, fused=not sharded, foreach=sharded
    )
    trainee = Trainee(
        model, path, optimizer, Gauge(model, ranks), row_tokens(settings, ranks.device)
    )
    if resume is not None:
        restore(trainee, resume)
    return trainee
