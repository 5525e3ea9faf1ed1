"""The worker loop on Ray Train: one TorchTrainer per variant. The only import of ray here.

Ray Train registers a checkpoint when its controller polls the workers, and goes on only from one
that is registered. So rank 0 waits for that after each checkpoint on disk; with Ray's default of
two seconds between polls the wait would be long. To an object store a checkpoint is sent while
training goes on, and rank 0 waits for it only before it sends the next.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray.train import (
    Checkpoint,
    CheckpointConfig,
    CheckpointConsistencyMode,
    CheckpointUploadMode,
    FailureConfig,
    RunConfig,
    ScalingConfig,
    UserCallback,
    get_all_reported_checkpoints,
    get_checkpoint,
    get_context,
    report,
)
from ray.train.torch import TorchTrainer, get_device
from ray.train.v2.api.config import LoggingConfig
from ray.train.v2.api.exceptions import ControllerError, TrainingFailedError, WorkerGroupError

from domain.errors import ConfigError, RehearsalError, TrainingError
from training.loop import train
from training.models import hush
from training.ranks import Ranks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from domain.settings import TrainingSettings
    from training.job import TrainJob
    from training.live import LogRow
    from training.storage import Storage

POLL_S = "0.5"
"""How often the controller looks at its workers, in seconds."""
RESIZE_S = 60.0
"""How often an elastic run looks whether it could have more workers, or must do with fewer."""
KEPT = 2
"""Checkpoints that are kept; the one before the last is there while the last is written."""
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


@dataclass(frozen=True)
class Share:
    """What one worker of one variant is given: CPUs, and whether a GPU of its own."""

    cpus: float
    gpu: bool

    def resources(self) -> dict[str, float]:
        """As Ray wants to be asked for it."""
        return {"CPU": self.cpus, "GPU": 1} if self.gpu else {"CPU": self.cpus}


def cluster_has(kind: str) -> float:
    """How much of `CPU` or `GPU` the Ray that this process has joined has."""
    resources: Callable[[], dict[str, float]] = ray.cluster_resources
    return resources().get(kind, 0.0)


def share_out(settings: TrainingSettings, variants: int) -> tuple[Share, int]:
    """Share the cluster out; return what a worker gets and how many variants find room at once.

    On CPUs all variants run side by side, on a part of a CPU each if need be. GPUs are not shared:
    as many variants run at once as there are GPUs for, the others after them.

    Raises:
        ConfigError: There are too few GPUs for one variant, and no cluster that could grow.
    """
    side_by_side = variants
    if settings.use_gpu:
        gpus = max(cluster_has("GPU"), _could_have("GPU"))
        if gpus < settings.fewest_workers:
            raise ConfigError(
                "there are not enough GPUs",
                where="training.use_gpu",
                expected=f"{settings.fewest_workers} for each variant's workers",
                got=f"{gpus:g} in this Ray",
                mend="Lower training.workers, join a cluster with GPUs (--ray ADDRESS), or set"
                " training.use_gpu: false.",
            )
        side_by_side = max(1, min(variants, int(gpus) // settings.most_workers))
    share = min(1.0, cluster_has("CPU") / (settings.most_workers * side_by_side))
    return Share(max(0.01, int(share * 100) / 100), settings.use_gpu), side_by_side


def fit(job: TrainJob, storage: Storage, share: Share) -> Path:
    """Train `job` and return a folder with its last checkpoint.

    Args:
        job: What to train on what.
        storage: Where the run's checkpoints are kept; on a cluster all machines must reach it.
            A run that was interrupted there goes on from its last checkpoint.
        share: What each worker is given.

    Raises:
        TrainingError: The variant could not be trained.
    """
    settings = job.settings
    parent, _, name = storage.path.rpartition("/")
    # Their published types are those of Ray Train v1, which know neither a logging_config nor a
    # range of workers.
    run_config: Callable[..., RunConfig] = RunConfig
    scaling_config: Callable[..., ScalingConfig] = ScalingConfig
    trainer = TorchTrainer(
        _rank,
        train_loop_config={"job": job, "remote": storage.folder is None},
        scaling_config=scaling_config(
            num_workers=settings.workers,
            use_gpu=settings.use_gpu,
            resources_per_worker=share.resources(),
            elastic_resize_monitor_interval_s=RESIZE_S,
        ),
        run_config=run_config(
            name=name,
            storage_path=parent,
            storage_filesystem=storage.filesystem,
            failure_config=FailureConfig(max_failures=settings.max_failures),
            checkpoint_config=CheckpointConfig(num_to_keep=KEPT),
            callbacks=[_NoSecondTry()],
            logging_config=LoggingConfig(log_level="ERROR"),
        ),
    )
    try:
        result = trainer.fit()
    except TrainingFailedError as error:
        raise _cause(job, error) from error
    if result.checkpoint is None:
        raise TrainingError("the run ended without a checkpoint", where=job.variant)
    if storage.folder is not None:
        return Path(result.checkpoint.path)
    return Path(result.checkpoint.to_directory(tempfile.mkdtemp(prefix="checkpoint-")))


class _NoSecondTry(UserCallback):
    """Ends a run at a failure of our own: the same settings would fail in the same way again.

    Ray takes up again whatever a worker raised; an error in a callback ends the run.
    """

    def after_exception(
        self,
        run_context: Any,  # noqa: ANN401 - as Ray calls it
        worker_exceptions: dict[int, Exception],
    ) -> None:
        ours = _ours(worker_exceptions)
        if ours is not None:
            raise ours


def _rank(config: dict[str, Any]) -> None:
    """What every worker runs."""
    hush()
    context = get_context()
    ranks = Ranks(context.get_world_rank(), context.get_world_size(), get_device())
    tell = _tell_remotely if config["remote"] else _tell_locally
    last = get_checkpoint()
    if last is None:
        train(config["job"], ranks, tell)
        return
    with last.as_directory() as folder:
        train(config["job"], ranks, tell, Path(folder))


def _tell_locally(row: LogRow, folder: Path | None) -> None:
    """Keep a checkpoint, and see that a restart would find it."""
    checkpoint = None if folder is None else Checkpoint(str(folder))
    report(dict(row), checkpoint=checkpoint, checkpoint_dir_name=_name(row))
    if folder is not None:
        get_all_reported_checkpoints(consistency_mode=CheckpointConsistencyMode.COMMITTED)


def _tell_remotely(row: LogRow, folder: Path | None) -> None:
    """Begin to send a checkpoint, once the one before has arrived: two intervals can be lost.

    It is copied aside, because `folder` is gone before it is sent.
    """
    checkpoint = None
    if folder is not None:
        get_all_reported_checkpoints(consistency_mode=CheckpointConsistencyMode.COMMITTED)
        aside = tempfile.mkdtemp(prefix="sending-")
        shutil.copytree(folder, aside, dirs_exist_ok=True)
        checkpoint = Checkpoint(aside)
    report(
        dict(row),
        checkpoint=checkpoint,
        checkpoint_dir_name=_name(row),
        checkpoint_upload_mode=CheckpointUploadMode.ASYNC,
        delete_local_checkpoint_after_upload=True,
    )


def _name(row: LogRow) -> str:
    """A checkpoint's folder: one that broke off half written is written over, not left behind."""
    return f"checkpoint-{int(row['step']):08d}"


def _could_have(kind: str) -> float:
    """How much of it an autoscaling cluster could grow to; 0 where that is not known."""
    from ray._private.state import state

    limits: dict[str, float] = getattr(state, "get_max_resources_from_cluster_config", dict)() or {}
    return float(limits.get(kind, 0.0))


def _ours(failures: Mapping[int, Exception]) -> RehearsalError | None:
    """Our own error among those of the workers."""
    for failure in failures.values():
        inner = getattr(failure, "_base_exc", failure)
        if isinstance(inner, RehearsalError):
            return inner
    return None


def _cause(job: TrainJob, error: TrainingFailedError) -> RehearsalError:
    """Find our own error in Ray's, or say what Ray says."""
    if isinstance(error, ControllerError) and isinstance(error.controller_failure, RehearsalError):
        return error.controller_failure
    ours = _ours(error.worker_failures) if isinstance(error, WorkerGroupError) else None
    if ours is not None:
        return ours
    lines = [line for line in str(error).splitlines() if line.strip()]
    times = job.settings.max_failures + 1
    return TrainingError(
        "a training worker died" + ("" if times == 1 else f", {times} times"),
        where=job.variant,
        got=lines[-1] if lines else type(error).__name__,
        mend="What was trained is kept up to the last checkpoint: the same command goes on from"
        " there. See the worker's log in Ray's session folder; where memory was short, lower"
        " training.batch_tokens.",
    )
