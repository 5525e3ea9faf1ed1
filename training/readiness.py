"""What is checked before anything is trained: signatures, workers, GPUs, trackers, the base."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from corpus.manifest import MANIFEST, MESSAGES, Manifest
from corpus.signoff import not_signed, signed_ids, signed_records
from domain.errors import ConfigError, SignOffNeededError, TrainingError
from domain.record import Origin
from training.models import check_causal
from training.storage import open_storage
from training.trackers import check_trackers

if TYPE_CHECKING:
    from domain.runfolder import RunFolder
    from domain.settings import Settings
    from training.job import TrainJob


def check_settings(settings: Settings, folder: RunFolder, base: str) -> None:
    """See that the settings fit together, this machine and the base; nothing is written.

    Raises:
        ConfigError: They do not.
        TrainingError: The base cannot be had, or is not a causal language model.
    """
    training = settings.training
    check_trackers(training)
    check_causal(base)
    remote = open_storage(training.storage, folder.root, "any").folder is None
    if settings.engine.kind == "ray":
        return
    if training.most_workers > 1:
        raise ConfigError(
            "more than one training worker needs Ray",
            where="training.workers",
            expected="1 with engine.kind: inline",
            got=str(training.workers),
            mend="Set training.workers: 1 or engine.kind: ray.",
        )
    if remote:
        raise ConfigError(
            "checkpoints in an object store need Ray",
            where="training.storage",
            expected="a folder with engine.kind: inline",
            got=str(training.storage),
            mend="Name a folder, or set engine.kind: ray.",
        )
    inline_device(settings)


def inline_device(settings: Settings) -> torch.device:
    """Where this process trains.

    Raises:
        ConfigError: A GPU is asked for and there is none.
    """
    if not settings.training.use_gpu:
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    raise ConfigError(
        "there is no GPU",
        where="training.use_gpu",
        expected="a GPU that torch can use",
        got=f"torch {torch.__version__} sees none",
        mend="Set training.use_gpu: false, install torch for your GPU, or join a cluster with GPUs"
        " (--ray ADDRESS).",
    )


def check_blend(job: TrainJob, folder: RunFolder) -> None:
    """See that everybody real in a blend was signed for, and that it is as it was made.

    The shuffled control deals real turns out anew: its records have ids of their own, and name the
    signed ones that they were made of.

    A messages.jsonl of one's own, without a manifest beside it, is taken as it is.

    Raises:
        SignOffNeededError: A real record is not signed off.
        TrainingError: The blend is not the one that its manifest describes.
        StoreError: The record of signatures is damaged.
    """
    path = folder.blend(job.variant) / MANIFEST
    if not path.exists():
        return
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise _other_blend(folder, job, "a manifest that cannot be read") from error
    if manifest.files.get(MESSAGES) != job.blend_hash:
        raise _other_blend(folder, job, "other messages than the manifest was made for")
    covered = signed_ids(folder)
    unsigned = [
        one.id
        for one in manifest.records
        if one.origin == Origin.REAL and covered.isdisjoint((one.id, *one.lineage))
    ]
    if unsigned:
        raise SignOffNeededError(
            not_signed(len(unsigned), " of the blend"),
            where=f"blend {job.variant}",
            expected="a person who read the review and signed",
            got=f"no signature for {unsigned[0]}" + (" and others" if unsigned[1:] else ""),
            mend=f'Read {folder.review}, sign: rehearsal corpus sign-off "{folder.root}" '
            '--name "YOUR NAME", then blend again.',
        )


def check_waiting(folder: RunFolder, variant: str) -> None:
    """Where there is no blend yet, say so, and whether it is for want of a signature.

    Raises:
        SignOffNeededError: Real records wait for one.
        TrainingError: None do; the blend is yet to be made.
    """
    blend = folder.blend(variant) / MESSAGES
    if blend.exists():
        return
    signed_records(folder)
    raise TrainingError(
        "the blend cannot be read",
        where=str(blend),
        got="No such file or directory",
        mend=f'Make it: rehearsal corpus blend "{folder.root}"',
    )


def _other_blend(folder: RunFolder, job: TrainJob, got: str) -> TrainingError:
    return TrainingError(
        "the blend was changed after it was made",
        where=f"blend {job.variant}",
        expected="messages.jsonl as manifest.json describes it",
        got=got,
        mend=f'Make it anew: rehearsal corpus blend "{folder.root}"',
    )
