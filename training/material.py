"""What a job is trained on: its sequences, laid out over steps, and those to stop early on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from training.batches import Plan, plan_steps
from training.examples import stream_conversations, stream_examples
from training.job import file_hash
from training.models import load_tokenizer
from training.tokenised import Tokenised, tokenised_key, write_tokenised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.examples import TrainingExample
    from training.job import TrainJob


def plan_of(job: TrainJob) -> Plan:
    """Lay out the steps of `job`; every rank comes to the same plan.

    Raises:
        TrainingError: The base's tokenizer or the blend cannot be used.
        StoreError: The tokenised blend cannot be written or read.
    """
    examples = tokenised(job, Path(job.blend), job.blend_hash, f"blend {job.variant}")
    settings = job.settings
    return plan_steps(
        examples,
        settings.supervised_tokens,
        settings.tokens_per_step,
        job.seed,
        keep_order=settings.keep_order,
    )


def held_out_of(job: TrainJob) -> Sequence[TrainingExample]:
    """The sessions to stop early on, none without early stopping."""
    if job.settings.patience is None or not job.stopping:
        return ()
    path = Path(job.stopping)
    return tokenised(job, path, file_hash(path), "held-out sessions")


def tokenised(job: TrainJob, text: Path, text_hash: str, where: str) -> Tokenised:
    """Open a text's sequences, which are made when they are asked for first."""
    tokenizer, length = load_tokenizer(job.base), job.settings.max_length
    folder = Path(job.data) if job.data else text.parent / "tokenised"
    sequences = stream_examples(tokenizer, stream_conversations(text, where), length)
    return write_tokenised(folder / tokenised_key(tokenizer, text_hash, length), sequences)
