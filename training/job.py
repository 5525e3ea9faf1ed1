"""What one variant's training depends on, and nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from domain.base import content_id
from domain.settings import TrainingSettings  # noqa: TC001 - needed to unpickle a job
from training.examples import unreadable
from training.models import base_name

_WEIGHTS = ("*.safetensors", "config.json", "tokenizer.json", "chat_template.jinja")
_MOVED = {
    "base", "variants", "workers", "use_gpu", "preference", "checkpoints", "max_failures",
    "storage", "trackers",
}  # fmt: skip
"""Settings that say where, beside what or before what a variant is trained, not how."""


@dataclass(frozen=True)
class TrainJob:
    """All that a rank needs to know; pickles, so it can be sent to another machine."""

    variant: str
    base: str
    blend: str
    """Path of the blend's messages.jsonl; on a cluster all machines must see it."""
    blend_hash: str
    """SHA-256 of that file, in hex; see `file_hash`."""
    settings: TrainingSettings
    seed: int
    threads: int
    """CPU threads of a rank, so that trainers side by side do not fight over cores."""
    live_log: str = ""
    """A file that rank 0 appends each step to, for whoever watches; empty for none."""
    data: str = ""
    """Folder where tokenised sequences are kept; empty for one beside the blend."""
    stopping: str = ""
    """Path of a messages.jsonl with held-out real sessions to stop early on; empty for none."""

    def fingerprint(self) -> str:
        """Hash of everything the adapter depends on: equal fingerprints, the same training."""
        parts = {
            "base": base_fingerprint(self.base),
            "blend": self.blend_hash,
            "settings": self.settings.model_dump(mode="json", exclude=_MOVED),
            "ranks": self.settings.workers,
            "stopping": file_hash(Path(self.stopping)) if self.stopping else "",
            "seed": self.seed,
        }
        return content_id("training", parts)


def file_hash(path: Path) -> str:
    """SHA-256 of a blend's file, in hex.

    Raises:
        TrainingError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(path, error) from error


def base_fingerprint(base: str) -> str:
    """Hash of a base's files where it is a folder; its hub id otherwise."""
    folder = Path(base)
    if not folder.is_dir():
        return base_name(base)
    digest = hashlib.sha256()
    for pattern in _WEIGHTS:
        for path in sorted(folder.glob(pattern)):
            with path.open("rb") as file:
                digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
