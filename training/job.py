"""What one variant's training depends on, and nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from domain.base import content_id
from domain.settings import TrainingSettings  # noqa: TC001 - needed to unpickle a job
from training.models import base_name

_WEIGHTS = ("*.safetensors", "config.json", "tokenizer.json", "chat_template.jinja")
_MOVED = {"base", "variants", "workers", "use_gpu"}
"""Settings that say where or beside what a variant is trained, not how."""


@dataclass(frozen=True)
class TrainJob:
    """All that a rank needs to know; pickles, so it can be sent to another machine."""

    variant: str
    base: str
    messages: bytes
    """The blend's messages.jsonl."""
    settings: TrainingSettings
    seed: int
    threads: int
    """CPU threads of a rank, so that trainers side by side do not fight over cores."""
    live_log: str = ""
    """A file that rank 0 appends each step to, for whoever watches; empty for none."""

    @property
    def blend_hash(self) -> str:
        """SHA-256 of the messages, in hex."""
        return hashlib.sha256(self.messages).hexdigest()

    def fingerprint(self) -> str:
        """Hash of everything the adapter depends on: equal fingerprints, the same training."""
        parts = {
            "base": base_fingerprint(self.base),
            "blend": self.blend_hash,
            "settings": self.settings.model_dump(mode="json", exclude=_MOVED),
            "ranks": self.settings.workers,
            "seed": self.seed,
        }
        return content_id("training", parts)


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
