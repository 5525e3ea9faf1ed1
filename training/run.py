"""Trains every variant of a run, side by side: on Ray Train, or in this process without Ray."""

from __future__ import annotations

import json
import os
import shutil
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import ConfigError, StoreError, TrainingError
from domain.progress import Progress, silent
from training.adapter import read_log, read_summary, write_adapter
from training.card import write_card
from training.checkpoints import keep_checkpoint, last_checkpoint
from training.heldout import measure_held_out
from training.job import TrainJob, file_hash
from training.loop import LogRow, plan_of, train
from training.method import check_method
from training.models import base_name, check_causal, hush
from training.ranks import Ranks
from training.stopping import write_stopping_set
from training.summary import TrainSummary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.runfolder import RunFolder
    from domain.settings import EngineSettings, Settings
    from training.batches import Plan

LIVE_LOG, MARK, TOKENISED = "live.jsonl", "fingerprint", "tokenised"
STOPPING = "stopping.jsonl"
"""In each variant's training folder: the steps as they are taken, and what they belong to."""
WATCH_S = 0.5


@dataclass(frozen=True)
class Task:
    """One variant that is yet to be trained."""

    job: TrainJob
    plan: Plan
    storage: Path
    adapter: Path


def train_variants(
    settings: Settings, folder: RunFolder, base: Path | str, progress: Progress = silent
) -> dict[str, TrainSummary]:
    """Train every variant of `settings.training.variants` on its blend; see `train_blends`.

    At the end the loss on held-out turns is written beside the training logs, where there are any,
    and every variant's card with it.
    """
    summaries = train_blends(settings, folder, base, settings.training.variants, progress)
    if folder.held_out.exists():
        measure_held_out(settings, folder, str(base), progress)
    for variant in summaries:
        write_card(settings.training, folder, variant)
    return summaries


def train_blends(
    settings: Settings,
    folder: RunFolder,
    base: Path | str,
    names: Sequence[str],
    progress: Progress = silent,
) -> dict[str, TrainSummary]:
    """Train on each of the folder's blends by name, side by side on Ray.

    An adapter that was trained on the same base, blend and settings before is kept; an interrupted
    run goes on from its last checkpoint. With `engine.kind: ray`, Ray must be started.

    Raises:
        TrainingError: The base or a blend cannot be used, or a run failed.
        ConfigError: `engine.kind: inline` with more than one worker.
        StoreError: The run's folder cannot be written.
    """
    hush()
    check_method(settings.training)
    check_causal(str(base))
    inline = settings.engine.kind == "inline"
    if inline and settings.training.workers > 1:
        raise ConfigError(
            "more than one training worker needs Ray",
            where="training.workers",
            expected="1 with engine.kind: inline",
            got=str(settings.training.workers),
            mend="Set training.workers: 1 or engine.kind: ray.",
        )
    summaries: dict[str, TrainSummary] = {}
    tasks = []
    for variant in names:
        job = _job(settings, folder, str(base), variant)
        done = read_summary(folder.adapters / variant)
        if done is not None and done.fingerprint == job.fingerprint():
            summaries[variant] = done
        else:
            storage, adapter = folder.training / variant, folder.adapters / variant
            tasks.append(Task(job, plan_of(job), storage, adapter))
    if tasks:
        trained = _inline(tasks, progress) if inline else _on_ray(tasks, settings.engine, progress)
        summaries.update(trained)
    return {variant: summaries[variant] for variant in names}


def _job(settings: Settings, folder: RunFolder, base: str, variant: str) -> TrainJob:
    stopping = (folder.training / STOPPING).resolve()
    if settings.training.patience is not None:
        write_stopping_set(folder.held_out, stopping)
    path, blend = Path(base), (folder.blend(variant) / "messages.jsonl").resolve()
    return TrainJob(
        variant=variant,
        base=str(path.resolve()) if path.is_dir() else base,
        blend=str(blend),
        blend_hash=file_hash(blend),
        stopping=str(stopping) if settings.training.patience is not None else "",
        data=str((folder.training / TOKENISED).resolve()),
        settings=settings.training,
        seed=settings.seed,
        threads=max(1, (os.cpu_count() or 1) // settings.training.workers),
    )


def _inline(tasks: Sequence[Task], progress: Progress) -> dict[str, TrainSummary]:
    """Train one after the other in this process."""
    summaries = {}
    for task in tasks:
        _claim(task)

        def keep(row: LogRow, made: Path | None, task: Task = task) -> None:
            progress(*_stage(task, row))
            if made is not None:
                keep_checkpoint(task.storage, made, int(row["step"]))

        train(task.job, Ranks(), keep, last_checkpoint(task.storage))
        last = last_checkpoint(task.storage)
        if last is None:
            raise TrainingError("the run ended without a checkpoint", where=task.job.variant)
        summaries[task.job.variant] = _finish(task, last)
    return summaries


def _on_ray(
    tasks: Sequence[Task], engine: EngineSettings, progress: Progress
) -> dict[str, TrainSummary]:
    """Drive one Ray Train run per variant from a thread each, and watch their logs.

    The threads are daemons, so that Ctrl-C is not held up by them; Ray's shutdown ends the runs.
    """
    from training.raytrain import cluster_cpus, fit, prepare_environment

    prepare_environment()
    ranks = sum(task.job.settings.workers for task in tasks)
    # Ray's CPUs are tickets; on one machine there are more of them than cores.
    cores = float(os.cpu_count() or 1) if engine.ray_address is None else cluster_cpus()
    threads = max(1, int(cores // ranks))
    ended: dict[str, Path | BaseException] = {}

    def drive(task: Task) -> None:
        job = replace(task.job, threads=threads, live_log=str((task.storage / LIVE_LOG).resolve()))
        try:
            ended[job.variant] = fit(job, task.storage, len(tasks))
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            ended[job.variant] = error

    for task in tasks:
        _claim(task)
    drivers = [threading.Thread(target=drive, args=(task,), daemon=True) for task in tasks]
    for driver in drivers:
        driver.start()
    while any(driver.is_alive() for driver in drivers):
        next(driver for driver in drivers if driver.is_alive()).join(WATCH_S)
        _tell(tasks, progress)
    for outcome in ended.values():
        if isinstance(outcome, BaseException):
            raise outcome
    return {
        task.job.variant: _finish(task, path)
        for task in tasks
        if isinstance(path := ended[task.job.variant], Path)
    }


def _claim(task: Task) -> None:
    """Clear the storage of an older run with other settings; keep that of an interrupted one."""
    try:
        mark = task.storage / MARK
        fingerprint = task.job.fingerprint()
        if not mark.exists() or mark.read_text(encoding="utf-8") != fingerprint:
            shutil.rmtree(task.storage, ignore_errors=True)
            task.storage.mkdir(parents=True)
            mark.write_text(fingerprint, encoding="utf-8")
        (task.storage / LIVE_LOG).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            "the training folder cannot be written",
            where=str(task.storage),
            got=error.strerror or str(error),
            mend="Check the folder's permissions and the space on the disk.",
        ) from error


def _tell(tasks: Sequence[Task], progress: Progress) -> None:
    for task in tasks:
        try:
            lines = (task.storage / LIVE_LOG).read_text(encoding="utf-8").splitlines()
            progress(*_stage(task, json.loads(lines[-1])))
        except (OSError, ValueError, IndexError):
            continue  # not begun, or a line is being written


def _stage(task: Task, row: LogRow) -> tuple[str, int, int, str]:
    steps = len(task.plan.steps)
    return f"train {task.job.variant}", int(row["step"]), steps, f"loss {row['loss']:.2f}"


def _finish(task: Task, checkpoint: Path) -> TrainSummary:
    job, plan, log = task.job, task.plan, read_log(checkpoint)
    summary = TrainSummary(
        variant=job.variant,
        base=base_name(job.base),
        blend_hash=job.blend_hash,
        fingerprint=job.fingerprint(),
        examples=plan.examples,
        steps=len(log),
        supervised_tokens=int(log[-1]["supervised_tokens"]),
        epochs=plan.epochs,
        first_loss=log[0]["loss"],
        last_loss=log[-1]["loss"],
        seconds=sum(row["seconds"] for row in log),
    )
    write_adapter(task.adapter, checkpoint, summary, job.settings)
    return summary
