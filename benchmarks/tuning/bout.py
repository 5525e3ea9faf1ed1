"""What every leg is given: the same base, sequences, steps, rate and precision."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from domain.settings import TrainingSettings  # noqa: TC001 - needed to unpickle a bout
from training.job import TrainJob, file_hash
from training.material import plan_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.examples import TrainingExample

SEED = 7


@dataclass(frozen=True)
class Bout:
    """Everything that is equal for all legs; pickles."""

    base: str
    """Folder of the base."""
    blend: str
    """The messages.jsonl that we train on."""
    sequences: str
    """The same as token sequences in the order of our plan, for trainers that take those."""
    held_out: str
    """Sequences that nobody trains on."""
    settings: TrainingSettings
    steps: int
    scratch: str
    """Folder for what legs leave behind."""
    threads: int = 1
    device: str = "cpu"

    @property
    def job(self) -> TrainJob:
        """The job as `rehearsal train` would make it."""
        blend = Path(self.blend)
        return TrainJob(
            variant="real",
            base=self.base,
            blend=self.blend,
            blend_hash=file_hash(blend),
            settings=self.settings,
            seed=SEED,
            threads=self.threads,
        )


@dataclass(frozen=True)
class Sequences:
    """Token sequences end to end: `tokens` [T], `learned` [T], `ends` [S]."""

    tokens: np.ndarray
    learned: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, examples: Sequence[TrainingExample]) -> Sequences:
        """Lay examples end to end."""
        return cls(
            np.concatenate([one.input_ids for one in examples]),
            np.concatenate([one.loss_mask for one in examples]),
            np.cumsum([len(one) for one in examples]),
        )

    @classmethod
    def read(cls, path: str) -> Sequences:
        """Read what `write` wrote."""
        with np.load(path) as found:
            return cls(found["tokens"], found["learned"], found["ends"])

    def write(self, path: Path) -> None:
        """Keep in an .npz file."""
        np.savez(path, tokens=self.tokens, learned=self.learned, ends=self.ends)

    def rows(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Tokens and what is learned of them, sequence by sequence."""
        cuts = self.ends[:-1]
        parts = zip(np.split(self.tokens, cuts), np.split(self.learned, cuts), strict=True)
        return list(parts)

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each sequence: [S]."""
        return np.diff(self.ends, prepend=0)

    @property
    def supervised(self) -> int:
        """Tokens with a loss."""
        return int(self.learned.sum())


def flat_plan(job: TrainJob) -> tuple[int, list[TrainingExample]]:
    """Our plan's steps and its sequences in the order in which they are trained on."""
    plan = plan_of(job)
    return len(plan.steps), [one for step in plan.steps for one in step]


def accumulation(rows: int, steps: int) -> int | None:
    """How many rows go into each of `steps` steps, the last perhaps fewer; None if none fits."""
    for each in range(1, rows + 1):
        if -(-rows // each) == steps:
            return each
    return None
