"""Makes what a comparison is run on: base, blend, sequences, steps that every leg can take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.tuning.base import SIZES, make_base
from benchmarks.tuning.bout import Bout, Sequences, accumulation, flat_plan
from benchmarks.tuning.sessions import Sessions, from_transcripts, made_here, write_blend
from domain.settings import LoraSettings, TrainingSettings
from training.examples import Conversation, TrainingExample, build_examples
from training.models import hush, load_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from corpus.chatform import Message

Layout = tuple[int, int]
"""Rows of a batch, and how many times the longest sequence a packed row is; 0 if not packed."""

LEARNING_RATE = 5e-3
"""For a small base with random weights; high enough that few steps change the loss a good deal."""
TOKENS_PER_SESSION = 500
"""Fewer than a made session has, so that enough are made."""
HELD_OUT_TOKENS = 12_000
"""Tokens of held-out sequences that the common loss is taken on."""


@dataclass(frozen=True)
class Amount:
    """How much a lap trains on."""

    tokens: int
    """Tokens of the sequences, about."""
    steps: int
    """Optimiser steps, about: the nearest number that every leg can take."""
    max_length: int = 1024
    learning_rate: float = LEARNING_RATE


@dataclass(frozen=True)
class Prepared:
    """A comparison's material, and what it is made of."""

    bout: Bout
    facts: dict[str, object]
    longest: int
    """Tokens of the longest sequence."""


class Preparing:
    """Runs in a process of its own; a lap makes everything in a folder."""

    def __init__(self, folder: Path, size: str, device: str, base: Path | None = None) -> None:
        """Be ready; `base` is a base that was made before, of the same size."""
        hush()
        self._folder, self._size, self._device = folder, size, device
        self._base = base or folder / "base"

    def lap(
        self, transcripts: Path | None, amount: Amount, layouts: tuple[Layout, ...]
    ) -> Prepared:
        """Make the material; `layouts` are those of the other legs, whose steps must come out even.

        Raises:
            ValueError: No number of sessions lets every leg take the same number of steps.
        """
        made = max(240, amount.tokens // TOKENS_PER_SESSION)
        sessions = from_transcripts(transcripts) if transcripts else made_here(made)
        # Rendering is most of the work: each session once, however many sets are tried.
        if not self._base.exists():
            make_base(self._base, SIZES[self._size], self._device)
        tokenizer = load_tokenizer(str(self._base))
        held_out = _cut(_examples(tokenizer, sessions.held_out, amount.max_length))
        Sequences.of(held_out).write(self._folder / "held-out.npz")
        bout, order = self._fit(tokenizer, sessions, amount, layouts)
        sequences = Sequences.of(order)
        sequences.write(Path(bout.sequences))
        lengths = sequences.lengths
        facts: dict[str, object] = {
            "sessions": sessions.source,
            "sequences": len(lengths),
            "length_p10_p50_p90": [int(one) for one in np.percentile(lengths, [10, 50, 90])],
            "tokens": int(lengths.sum()),
            "supervised_tokens": sequences.supervised,
            "steps": bout.steps,
            "held_out_sequences": len(held_out),
            "held_out_supervised": sum(one.supervised for one in held_out),
            "base_weights": SIZES[self._size].weights,
            "lora_weights": SIZES[self._size].lora(bout.settings.lora.r),
        }
        return Prepared(bout, facts, int(lengths.max()))

    def _fit(
        self,
        tokenizer: PreTrainedTokenizerBase,
        sessions: Sessions,
        amount: Amount,
        layouts: tuple[Layout, ...],
    ) -> tuple[Bout, list[TrainingExample]]:
        """Take sessions until there are enough tokens, and fewer until the steps come out even."""
        each = [_examples(tokenizer, [one], amount.max_length) for one in sessions.train]
        per_session = sum(len(part) for one in each for part in one) / len(sessions.train)
        most = min(len(sessions.train), max(1, round(amount.tokens / per_session)))
        for count in range(most, 0, -1):
            taken = sessions.train[:count]
            write_blend(self._folder / "messages.jsonl", taken)
            examples = [part for one in each[:count] for part in one]
            lengths = [len(one) for one in examples]
            rows = [batches_of(lengths, each) for each in layouts]
            for steps in sorted(range(3, 4 * amount.steps), key=lambda n: abs(n - amount.steps)):
                if all(accumulation(one, steps) for one in rows):
                    found = self._planned(examples, steps, amount)
                    if found is not None:
                        return found
        raise ValueError(f"no part of {len(sessions.train)} sessions gives every leg equal steps")

    def _planned(
        self, examples: list[TrainingExample], steps: int, amount: Amount
    ) -> tuple[Bout, list[TrainingExample]] | None:
        """One pass over the examples in `steps` steps, if our plan comes out as that."""
        supervised = sum(one.supervised for one in examples)
        settings = TrainingSettings(
            lora=LoraSettings(r=16),
            supervised_tokens=supervised,
            tokens_per_step=round(supervised / steps),
            max_length=amount.max_length,
            learning_rate=amount.learning_rate,
        )
        bout = Bout(
            base=str(self._base),
            blend=str(self._folder / "messages.jsonl"),
            sequences=str(self._folder / "sequences.npz"),
            held_out=str(self._folder / "held-out.npz"),
            settings=settings,
            steps=steps,
            scratch=str(self._folder),
            device=self._device,
        )
        planned, order = flat_plan(bout.job)
        whole = len(order) == len(examples) and sum(map(len, order)) == sum(map(len, examples))
        return (replace(bout, steps=planned), order) if planned == steps and whole else None


def batches_of(lengths: list[int], layout: Layout) -> int:
    """How many batches sequences of these lengths fill."""
    rows, packed = layout
    filled = bins(lengths, packed * max(lengths)) if packed else len(lengths)
    return -(-filled // rows)


def bins(lengths: list[int], room: int) -> int:
    """How many rows of `room` tokens best-fit decreasing fills, as TRL's `bfd` does."""
    spaces: list[int] = []
    for length in sorted(lengths, reverse=True):
        fitting = [space for space in spaces if space >= length]
        if fitting:
            spaces.remove(min(fitting))
            spaces.append(min(fitting) - length)
        else:
            spaces.append(room - length)
    return len(spaces)


def _examples(
    tokenizer: PreTrainedTokenizerBase, sessions: list[list[Message]], length: int
) -> list[TrainingExample]:
    talks = [Conversation(f"s{n}", tuple(_plain(messages))) for n, messages in enumerate(sessions)]
    return build_examples(tokenizer, talks, length)


def _plain(messages: list[Message]) -> list[dict[str, str]]:
    return [{"role": one["role"], "content": one["content"]} for one in messages]


def _cut(examples: list[TrainingExample]) -> list[TrainingExample]:
    """The first examples, up to `HELD_OUT_TOKENS`."""
    kept, total = [], 0
    for one in examples:
        if total >= HELD_OUT_TOKENS:
            break
        kept.append(one)
        total += len(one)
    return kept
