"""Loss on real therapist turns that nobody was trained on: base, adapters and a unigram model.

The unigram model knows how often each token is said and nothing of the conversation; the adapter
of the `shuffled` control knows the words and the habits of a turn, but was shown answers that
belong to other questions. An adapter that is better than both has learned to answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from peft import PeftModel

from corpus.chatform import messages_of
from corpus.files import read_records, write_text
from domain.base import Noun
from domain.progress import Progress, silent
from training.adapter import read_summary
from training.batches import lay_out
from training.examples import (
    Conversation,
    TrainingExample,
    build_examples,
    parse_conversations,
    read_messages,
)
from training.loss import find_path
from training.models import hush, load_base, load_tokenizer
from training.stopping import groups_for_stopping

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerBase

    from domain.runfolder import RunFolder
    from domain.settings import Settings
    from training.chat import Message

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
    records = list(read_records(folder.held_out))
    if settings.training.patience is not None:  # what training looked at proves nothing
        seen = groups_for_stopping(records)
        records = [record for record in records if record.group not in seen]
    kept_out = [Conversation(record.id, _plain(messages_of(record.turns))) for record in records]
    examples = build_examples(tokenizer, kept_out, length)
    variants = [name for name in settings.training.variants if read_summary(folder.adapters / name)]
    names = ["unigram", "base", *variants]
    models = [_as_model("unigram", examples, _unigram(tokenizer, folder, length, examples))]
    for done, name in enumerate(names[1:], start=1):
        progress(STAGE, done, len(names), name)
        models.append(_as_model(name, examples, _under(base, name, folder, examples)))
    progress(STAGE, len(names), len(names))
    losses = HeldOutLosses(
        sessions=len(models[0].records),
        tokens=sum(record.tokens for record in models[0].records),
        models=tuple(models),
    )
    folder.training.mkdir(parents=True, exist_ok=True)
    write_text(folder.training / RESULT_FILE, losses.model_dump_json(indent=2) + "\n")
    return losses


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


def _plain(messages: Sequence[Mapping[str, Any]]) -> tuple[Message, ...]:
    return tuple({"role": one["role"], "content": one["content"]} for one in messages)


def _unigram(
    tokenizer: PreTrainedTokenizerBase,
    folder: RunFolder,
    length: int,
    asked: Sequence[TrainingExample],
) -> list[float]:
    data = read_messages(folder.blend("real") / "messages.jsonl")
    seen = build_examples(tokenizer, parse_conversations(data, "blend real"), length)
    largest = max(int(example.input_ids.max()) for example in [*seen, *asked])
    return unigram_losses(seen, asked, max(len(tokenizer), largest + 1))


def _under(
    base: str, name: str, folder: RunFolder, examples: Sequence[TrainingExample]
) -> list[float]:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model: Any = load_base(base, device)
    if name != "base":
        model = PeftModel.from_pretrained(model, str(folder.adapters / name))
    path = find_path(model, device)
    model.eval()
    with torch.inference_mode():
        return [float(path.losses(lay_out([example])).double().sum()) for example in examples]


def _as_model(name: str, examples: Sequence[TrainingExample], sums: list[float]) -> ModelLoss:
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
