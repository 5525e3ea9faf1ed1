"""The worker loop on Ray Train: one TorchTrainer per variant. The only import of ray here.

Ray Train registers a checkpoint when its controller polls the workers; with its default of two
seconds a run that dies soon after a checkpoint would not be resumed from it.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray.train import (
    Checkpoint,
    CheckpointConfig,
    FailureConfig,
    RunConfig,
    ScalingConfig,
    get_checkpoint,
    get_context,
    report,
)
from ray.train.torch import TorchTrainer, get_device
from ray.train.v2.api.config import LoggingConfig
from ray.train.v2.api.exceptions import TrainingFailedError, WorkerGroupError

from domain.errors import RehearsalError, TrainingError
from training.loop import LogRow, train
from training.models import hush
from training.ranks import Ranks

if TYPE_CHECKING:
    from collections.abc import Callable

    from training.job import TrainJob

POLL_S = "0.5"
"""How often the controller looks at its workers, in seconds."""
MAX_FAILURES = 2
"""How often a run is taken up again from its last checkpoint."""
_ENVIRONMENT = {
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": POLL_S,
    "RAY_TRAIN_METRICS_ENABLED": "0",  # read by nobody without a dashboard
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",  # one more process per variant
    "RAY_TRAIN_ENABLE_PRINT_PATCH": "0",
}


def prepare_environment() -> None:
    """Set what Ray Train reads from the environment, where the user has not set it."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    logging.getLogger("ray.train").setLevel(logging.ERROR)


def cluster_cpus() -> float:
    """CPUs of the Ray that this process has joined."""
    resources: Callable[[], dict[str, float]] = ray.cluster_resources
    return resources().get("CPU", 1.0)


def fit(job: TrainJob, storage: Path, side_by_side: int) -> Path:
    """Train `job` and return the folder of its last checkpoint.

    Args:
        job: What to train on what.
        storage: Folder of the run's checkpoints; on a cluster it must be shared by all machines.
            A run that was interrupted there goes on from its last checkpoint.
        side_by_side: Variants that are trained at the same time, which share the CPUs.

    Raises:
        TrainingError: The variant could not be trained.
    """
    settings = job.settings
    # Its published type is that of Ray Train v1, which takes no logging_config.
    run_config: Callable[..., RunConfig] = RunConfig
    trainer = TorchTrainer(
        _rank,
        train_loop_config={"job": job},
        scaling_config=ScalingConfig(
            num_workers=settings.workers,
            use_gpu=settings.use_gpu,
            resources_per_worker=_resources(settings.use_gpu, settings.workers * side_by_side),
        ),
        run_config=run_config(
            name=storage.name,
            storage_path=str(storage.parent.resolve()),
            failure_config=FailureConfig(max_failures=MAX_FAILURES),
            checkpoint_config=CheckpointConfig(num_to_keep=2),
            logging_config=LoggingConfig(log_level="ERROR"),
        ),
    )
    try:
        result = trainer.fit()
    except TrainingFailedError as error:
        raise _cause(job.variant, error) from error
    if result.checkpoint is None:
        raise TrainingError("the run ended without a checkpoint", where=job.variant)
    return Path(result.checkpoint.path)


def _rank(config: dict[str, Any]) -> None:
    """What every worker runs."""
    hush()
    context = get_context()
    ranks = Ranks(context.get_world_rank(), context.get_world_size(), get_device())

    def tell(row: LogRow, folder: Path | None) -> None:
        report(dict(row), checkpoint=None if folder is None else Checkpoint(str(folder)))

    last = get_checkpoint()
    if last is None:
        train(config["job"], ranks, tell)
        return
    with last.as_directory() as folder:
        train(config["job"], ranks, tell, Path(folder))


def _resources(use_gpu: bool, ranks: int) -> dict[str, float]:
    """Share the CPUs among all ranks of all variants, so that none waits for another to end."""
    share = min(1.0, cluster_cpus() / ranks)
    cpus = max(0.01, int(share * 100) / 100)
    return {"CPU": cpus, "GPU": 1} if use_gpu else {"CPU": cpus}


def _cause(variant: str, error: TrainingFailedError) -> RehearsalError:
    """Find our own error in Ray's, or say what Ray says."""
    failures = error.worker_failures.values() if isinstance(error, WorkerGroupError) else ()
    for failure in failures:
        inner = getattr(failure, "_base_exc", failure)
        if isinstance(inner, RehearsalError):
            return inner
    lines = [line for line in str(error).splitlines() if line.strip()]
    return TrainingError(
        "a training worker failed",
        where=variant,
        got=lines[-1] if lines else type(error).__name__,
        mend="See the worker's log in Ray's session folder, or set engine.kind: inline to run"
        " without Ray.",
    )
