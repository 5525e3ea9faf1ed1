"""Trains every variant of a run, side by side: on Ray Train, or in this process without Ray."""

from __future__ import annotations

import os
import shutil
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.manifest import MESSAGES
from domain.errors import StoreError, TrainingError
from domain.progress import Progress, silent
from training.adapter import write_adapter
from training.canaries import measure_canaries
from training.card import write_card
from training.checkpoints import keep_checkpoint, last_checkpoint
from training.heldout import measure_held_out
from training.job import TrainJob, file_hash
from training.live import LIVE_LOG, LogRow, Watch, Watched
from training.loop import train
from training.material import plan_of
from training.method import check_method
from training.models import base_name, hush
from training.ranks import Ranks
from training.readiness import check_blend, check_settings, check_waiting, inline_device
from training.salvage import drop_damaged
from training.snapshot import BEST_FILE, STATE_FILE
from training.stopping import write_stopping_set
from training.storage import Storage, open_storage
from training.summary import TrainSummary, hashes_of, read_log, read_summary
from training.trackers import open_trackers
from training.weights import adapter_damage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch

    from domain.runfolder import RunFolder
    from domain.settings import EngineSettings, Settings
    from training.batches import Plan

TOKENISED, STOPPING = "tokenised", "stopping.jsonl"
"""In the training folder: what all variants read their sequences from, and stop early on."""
WATCH_S = 0.5


@dataclass(frozen=True)
class Task:
    """One variant that is yet to be trained."""

    job: TrainJob
    plan: Plan
    storage: Storage
    adapter: Path
    live_log: Path
    note: str = ""
    """What whoever watches is told of it: what was damaged and is passed over."""

    def watched(self) -> Watched:
        """The variant, as whoever watches sees it."""
        return Watched(self.job.variant, self.live_log, len(self.plan.steps), self.note)


def train_variants(
    settings: Settings,
    folder: RunFolder,
    base: Path | str,
    progress: Progress = silent,
    ready: Callable[[], None] = lambda: None,
) -> dict[str, TrainSummary]:
    """Train every variant of `settings.training.variants` on its blend; see `train_blends`.

    At the end the loss on held-out turns is written beside the training logs, where there are any,
    and every variant's card with it.
    """
    summaries = train_blends(settings, folder, base, settings.training.variants, progress, ready)
    if folder.held_out.exists():
        measure_held_out(settings, folder, str(base), progress)
    if settings.corpus.canaries:
        measure_canaries(settings, folder, str(base), tuple(summaries), progress)
    for variant in summaries:
        write_card(settings.training, folder, variant)
    return summaries


def train_blends(
    settings: Settings,
    folder: RunFolder,
    base: Path | str,
    names: Sequence[str],
    progress: Progress = silent,
    ready: Callable[[], None] = lambda: None,
) -> dict[str, TrainSummary]:
    """Train on each of the folder's blends by name, side by side on Ray.

    An adapter that was trained on the same base, blend and settings before is kept; an interrupted
    run goes on from its last checkpoint. With `engine.kind: ray`, Ray must be started.
    `ready` is called once base and blends are seen to be usable, before anything is trained.

    Raises:
        TrainingError: The base or a blend cannot be used, or a run failed.
        ConfigError: `engine.kind: inline` with more than one worker.
        StoreError: The run's folder cannot be written.
    """
    hush()
    check_method(settings.training)
    check_settings(settings, folder, str(base))
    summaries: dict[str, TrainSummary] = {}
    tasks = []
    for variant in names:
        check_waiting(folder, variant)
        job = _job(settings, folder, str(base), variant)
        check_blend(job, folder)
        done, note = _done(job, folder.adapters / variant)
        if done is not None:
            summaries[variant] = done
        else:
            tasks.append(replace(_task(job, folder), note=note))
    ready()
    if tasks:
        summaries.update(_train(tasks, settings, folder, progress))
    return {variant: summaries[variant] for variant in names}


def _done(job: TrainJob, adapter: Path) -> tuple[TrainSummary | None, str]:
    """Return what is trained already, or None and what is damaged of it."""
    done = read_summary(adapter)
    if done is None or done.fingerprint != job.fingerprint():
        return None, ""
    try:
        damage = adapter_damage(adapter, done)
    except OSError as error:
        raise StoreError(
            "the adapter's weights cannot be read",
            where=str(error.filename or adapter),
            got=error.strerror or str(error),
            mend="Check the folder's permissions.",
        ) from error
    return (done, "") if damage is None else (None, f"the adapter is made anew ({damage})")


def _train(
    tasks: Sequence[Task], settings: Settings, folder: RunFolder, progress: Progress
) -> dict[str, TrainSummary]:
    """Train what is yet to be trained, with somebody watching."""
    tasks = [_claim(task) for task in tasks]
    for task in tasks:
        if task.note:
            progress(f"train {task.job.variant}", 0, len(task.plan.steps), task.note)
    trackers = open_trackers(settings.training, settings.name, folder.training)
    with Watch([task.watched() for task in tasks], progress, trackers):
        if settings.engine.kind == "inline":
            return _inline(tasks, inline_device(settings))
        return _on_ray(tasks, settings.engine)


def _job(settings: Settings, folder: RunFolder, base: str, variant: str) -> TrainJob:
    stopping = (folder.training / STOPPING).resolve()
    if settings.training.patience is not None:
        write_stopping_set(folder.held_out, stopping)
    path, blend = Path(base), (folder.blend(variant) / MESSAGES).resolve()
    return TrainJob(
        variant=variant,
        base=str(path.resolve()) if path.is_dir() else base,
        blend=str(blend),
        blend_hash=file_hash(blend),
        stopping=str(stopping) if settings.training.patience is not None else "",
        data=str((folder.training / TOKENISED).resolve()),
        settings=settings.training,
        seed=settings.seed,
        threads=max(1, os.cpu_count() or 1),
    )


def _task(job: TrainJob, folder: RunFolder) -> Task:
    own = folder.training / job.variant
    live_log = (own / LIVE_LOG).resolve()
    return Task(
        job=replace(job, live_log=str(live_log)),
        plan=plan_of(job),
        storage=open_storage(job.settings.storage, folder.root, job.variant),
        adapter=folder.adapters / job.variant,
        live_log=live_log,
    )


def _inline(tasks: Sequence[Task], device: torch.device) -> dict[str, TrainSummary]:
    """Train one after the other in this process."""
    summaries = {}
    for task in tasks:
        place = task.storage.folder
        if place is None:
            raise TrainingError("an object store needs Ray", where="training.storage")

        def keep(row: LogRow, made: Path | None, place: Path = place) -> None:
            if made is not None:
                keep_checkpoint(place, made, int(row["step"]))

        train(task.job, Ranks(device=device), keep, last_checkpoint(place))
        last = last_checkpoint(place)
        if last is None:
            raise TrainingError("the run ended without a checkpoint", where=task.job.variant)
        summaries[task.job.variant] = _finish(task, last)
    return summaries


def _on_ray(tasks: Sequence[Task], engine: EngineSettings) -> dict[str, TrainSummary]:
    """Drive one Ray Train run per variant from a thread each.

    The threads are daemons, so that Ctrl-C is not held up by them; Ray's shutdown ends the runs.
    """
    from training.raytrain import cluster_has, fit, prepare_environment, share_out

    prepare_environment()
    settings = tasks[0].job.settings
    share, side_by_side = share_out(settings, len(tasks))
    # Ray's CPUs are tickets; on one machine there are more of them than cores.
    cores = float(os.cpu_count() or 1) if engine.ray_address is None else cluster_has("CPU")
    threads = max(1, int(cores // (settings.most_workers * side_by_side)))
    room = threading.Semaphore(side_by_side)
    ended: dict[str, TrainSummary | BaseException] = {}

    def drive(task: Task) -> None:
        try:
            with room:
                last = fit(replace(task.job, threads=threads), task.storage, share)
                ended[task.job.variant] = _finish(task, last)
                if task.storage.folder is None:  # it was fetched, for this
                    shutil.rmtree(last, ignore_errors=True)
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            ended[task.job.variant] = error

    drivers = [threading.Thread(target=drive, args=(task,), daemon=True) for task in tasks]
    for driver in drivers:
        driver.start()
    while any(driver.is_alive() for driver in drivers):
        next(driver for driver in drivers if driver.is_alive()).join(WATCH_S)
    for outcome in ended.values():
        if isinstance(outcome, BaseException):
            raise outcome
    return {name: one for name, one in ended.items() if isinstance(one, TrainSummary)}


def _claim(task: Task) -> Task:
    """Clear the storage of an older run with other settings; keep that of an interrupted one.

    Of that, what is damaged is taken out; the task that is returned says so.
    """
    notes = [task.note] if task.note else []
    fingerprint = task.job.fingerprint().encode()
    if task.storage.mark() != fingerprint:
        task.storage.claim(fingerprint)
    else:
        notes += [f"passed over as damaged: {one}" for one in drop_damaged(task.storage)]
    try:
        task.live_log.parent.mkdir(parents=True, exist_ok=True)
        task.live_log.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            "the training folder cannot be written",
            where=str(task.live_log.parent),
            got=error.strerror or str(error),
            mend="Check the folder's permissions and the space on the disk.",
        ) from error
    return replace(task, note="; ".join(notes))


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
        weights=hashes_of(checkpoint, leave_out=(STATE_FILE, BEST_FILE)),
    )
    write_adapter(task.adapter, checkpoint, summary, job.settings)
    return summary
