"""Loss on real therapist turns that nobody was trained on: base, adapters and a unigram model.

The unigram model knows how often each token is said and nothing of the conversation; the adapter
of the `shuffled` control knows the words and the habits of a turn, but was shown answers that
belong to other questions. An adapter that is better than both has learned to answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from corpus.chatform import messages_of
from corpus.files import read_records, write_text
from corpus.manifest import MESSAGES
from domain.base import Noun
from domain.progress import Progress, silent
from training.batches import lay_out
from training.examples import (
    Conversation,
    TrainingExample,
    build_examples,
    parse_conversations,
    read_messages,
)
from training.loss import find_path
from training.memory import ROW_TOKENS
from training.method import load_trained
from training.models import hush, load_base, load_tokenizer
from training.stopping import groups_for_stopping
from training.summary import read_summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerBase

    from domain.runfolder import RunFolder
    from domain.settings import Settings, TrainingSettings
    from training.turns import Message

RESULT_FILE = "held-out.json"
STAGE = "held-out loss"


class RecordLoss(Noun):
    """One held-out session under one model: the sum over its supervised tokens, in nats."""

    record_id: str
    tokens: int
    loss_sum: float


class ModelLoss(Noun):
    """One model on all held-out sessions; `mean` is nats per token, over all tokens alike."""

    model: str
    mean: float
    records: tuple[RecordLoss, ...]


class HeldOutLosses(Noun):
    """Every model on the same tokens of the same sessions.

    Per-session sums are kept so that intervals can be drawn by resampling sessions.
    """

    sessions: int
    tokens: int
    models: tuple[ModelLoss, ...]
    """`unigram`, `base`, then the adapters in the order of the variants."""

    def mean(self, model: str) -> float:
        """Nats per token of one model.

        Raises:
            KeyError: There is no such model.
        """
        return {one.model: one.mean for one in self.models}[model]


def measure_held_out(
    settings: Settings, folder: RunFolder, base: str, progress: Progress = silent
) -> HeldOutLosses:
    """Measure base, unigram and every trained adapter on `folder.held_out`; write held-out.json.

    The unigram model counts the tokens of the real blend's therapist turns, each plus one.

    Raises:
        TrainingError: The base, an adapter or a blend cannot be used.
        StoreError: The held-out records cannot be read or the result not written.
    """
    hush()
    tokenizer = load_tokenizer(base)
    length = settings.training.max_length
    examples = held_out_examples(tokenizer, folder, settings.training)
    variants = [name for name in settings.training.variants if read_summary(folder.adapters / name)]
    names = ["unigram", "base", *variants]
    models = [as_model("unigram", examples, _unigram(tokenizer, folder, length, examples))]
    for done, name in enumerate(names[1:], start=1):
        progress(STAGE, done, len(names), name)
        trained = None if name == "base" else folder.adapters / name
        models.append(as_model(name, examples, losses_under(base, trained, examples)))
    progress(STAGE, len(names), len(names))
    losses = HeldOutLosses(
        sessions=len(models[0].records),
        tokens=sum(record.tokens for record in models[0].records),
        models=tuple(models),
    )
    folder.training.mkdir(parents=True, exist_ok=True)
    write_text(folder.training / RESULT_FILE, losses.model_dump_json(indent=2) + "\n")
    return losses


def read_held_out(folder: RunFolder) -> HeldOutLosses | None:
    """Return what was measured on a run, None where nothing was or it cannot be read."""
    try:
        return HeldOutLosses.model_validate_json((folder.training / RESULT_FILE).read_bytes())
    except (OSError, ValueError):
        return None


def unigram_losses(
    seen: Sequence[TrainingExample], asked: Sequence[TrainingExample], vocabulary: int
) -> list[float]:
    """Loss of each asked example's supervised tokens under add-one counts of the seen ones.

    Laplace (1814): p(token) = (count + 1) / (total + vocabulary).
    """
    counts = np.ones(vocabulary)
    for example in seen:
        counts += np.bincount(example.input_ids[example.loss_mask], minlength=vocabulary)
    surprise: NDArray[np.float64] = np.log(counts.sum()) - np.log(counts)
    return [float(surprise[example.input_ids[example.loss_mask]].sum()) for example in asked]


def plain(messages: Sequence[Mapping[str, Any]]) -> tuple[Message, ...]:
    """Return chat messages as training takes them."""
    return tuple({"role": one["role"], "content": one["content"]} for one in messages)


def _unigram(
    tokenizer: PreTrainedTokenizerBase,
    folder: RunFolder,
    length: int,
    asked: Sequence[TrainingExample],
) -> list[float]:
    data = read_messages(folder.blend("real") / MESSAGES)
    seen = build_examples(tokenizer, parse_conversations(data, "blend real"), length)
    largest = max(int(example.input_ids.max()) for example in [*seen, *asked])
    return unigram_losses(seen, asked, max(len(tokenizer), largest + 1))


def held_out_examples(
    tokenizer: PreTrainedTokenizerBase, folder: RunFolder, training: TrainingSettings
) -> list[TrainingExample]:
    """Return the held-out sessions as sequences, without those that training stopped early on."""
    records = list(read_records(folder.held_out))
    if training.patience is not None:  # what training looked at proves nothing
        seen = groups_for_stopping(records)
        records = [record for record in records if record.group not in seen]
    kept_out = [Conversation(record.id, plain(messages_of(record.turns))) for record in records]
    return build_examples(tokenizer, kept_out, training.max_length)


def losses_under(
    base: str, trained: Path | None, examples: Sequence[TrainingExample]
) -> list[float]:
    """Return each example's loss in nats under the base, or under what was trained on it."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model: Any = load_base(base, device) if trained is None else load_trained(base, trained, device)
    path = find_path(model, device)
    model.eval()
    room = ROW_TOKENS[device.type] if path.packs else 0
    found: list[float] = []
    with torch.inference_mode():
        for row in _rows(examples, room):
            losses = path.losses(lay_out(row)).double()
            parts = torch.split(losses, [example.supervised for example in row])
            found += [float(part.sum()) for part in parts]
    return found


def _rows(examples: Sequence[TrainingExample], room: int) -> Iterator[list[TrainingExample]]:
    """Share examples out over rows of at most `room` tokens, in order; each has one at least."""
    row: list[TrainingExample] = []
    for example in examples:
        if row and sum(map(len, row)) + len(example) > room:
            yield row
            row = []
        row.append(example)
    if row:
        yield row


def as_model(name: str, examples: Sequence[TrainingExample], sums: list[float]) -> ModelLoss:
    """Add the parts of a session up; a long one stands in several examples."""
    by_record: dict[str, RecordLoss] = {}
    for example, loss in zip(examples, sums, strict=True):
        before = by_record.get(example.record_id)
        by_record[example.record_id] = RecordLoss(
            record_id=example.record_id,
            tokens=example.supervised + (before.tokens if before else 0),
            loss_sum=loss + (before.loss_sum if before else 0.0),
        )
    tokens = sum(record.tokens for record in by_record.values())
    mean = sum(record.loss_sum for record in by_record.values()) / max(1, tokens)
    return ModelLoss(model=name, mean=mean, records=tuple(by_record.values()))
