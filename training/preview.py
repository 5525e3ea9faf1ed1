"""A session as the model will see it in training: its tokens, and which of them are learned."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, get_args

from corpus.chatform import Message, messages_of
from corpus.files import read_records
from corpus.manifest import MESSAGES
from domain.base import Noun
from domain.errors import ConfigError, TrainingError
from domain.settings import Variant
from training.examples import Conversation, build_examples, parse_conversations, read_messages
from training.models import base_name, check_causal, hush, load_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedTokenizerBase

    from domain.runfolder import RunFolder
    from domain.settings import Settings
    from training.examples import TrainingExample


class Span(Noun):
    """Neighbouring tokens that are all learned, or all context only."""

    learned: bool
    tokens: int
    text: str


class Part(Noun):
    """One sequence: a whole session, or a part of one that is longer than `training.max_length`."""

    tokens: int
    learned: int
    spans: tuple[Span, ...]


class Preview(Noun):
    """One session, and where it comes from."""

    base: str
    source: str
    session: str
    place: int
    """Which of the source's sessions it is, from 1."""
    sessions: int
    max_length: int
    tokens: int
    """Over all parts; context that stands in two parts counts twice."""
    learned: int
    turns: int
    """Turns of the therapist, all of which are learned."""
    parts: tuple[Part, ...]


def preview_session(
    settings: Settings,
    folder: RunFolder,
    base: Path | str,
    variant: str,
    session: str | None = None,
) -> Preview:
    """Render a session of a blend, or of what is signed or simulated where nothing is blended yet.

    Args:
        settings: The run; `training.max_length` says where long sessions are split.
        folder: The run's folder.
        base: Folder or hub id of the base, of which the tokenizer is loaded and no weights.
        variant: Name of the blend.
        session: Id of a session or how it begins; the first one without.

    Raises:
        ConfigError: There is no such variant.
        TrainingError: The base has no usable chat template, or there is no such session.
    """
    check_variant(folder, variant)
    hush()
    check_causal(str(base))
    tokenizer = load_tokenizer(str(base))
    source, conversations = _sessions(folder, variant)
    place = _place(conversations, session, source)
    chosen = conversations[place]
    examples = build_examples(tokenizer, [chosen], settings.training.max_length)
    parts = tuple(_part(tokenizer, example) for example in examples)
    return Preview(
        base=base_name(str(base)),
        source=source,
        session=chosen.record_id,
        place=place + 1,
        sessions=len(conversations),
        max_length=settings.training.max_length,
        tokens=sum(part.tokens for part in parts),
        learned=sum(part.learned for part in parts),
        turns=sum(message["role"] == "assistant" for message in chosen.messages),
        parts=parts,
    )


def check_variant(folder: RunFolder, variant: str) -> None:
    """See that there is or could be a blend of this name.

    Raises:
        ConfigError: There is none and no variant is called so.
    """
    blended = sorted(path.parent.name for path in folder.root.glob(f"blends/*/{MESSAGES}"))
    names = list(dict.fromkeys([*get_args(Variant), *blended]))
    if variant in names:
        return
    raise ConfigError(
        "there is no such variant",
        where="--variant",
        expected=f"one of {', '.join(names)}",
        got=variant,
        mend="Name one of them.",
    )


def _sessions(folder: RunFolder, variant: str) -> tuple[str, list[Conversation]]:
    blended = folder.blend(variant) / MESSAGES
    if blended.exists():
        return f"blend {variant}", parse_conversations(read_messages(blended), f"blend {variant}")
    for name, path in (("real records", folder.real), ("simulated records", folder.synthetic)):
        records = list(read_records(path))
        if records:
            return name, [_conversation(record.id, messages_of(record.turns)) for record in records]
    raise TrainingError(
        "there is no session to look at",
        where=str(folder.root),
        expected=f"a blend {variant}, signed real records, or simulated ones",
        got="none of them",
        mend="Make blends with `rehearsal corpus blend`, or ingest and sign transcripts first.",
    )


def _conversation(record_id: str, messages: list[Message]) -> Conversation:
    plain = ({"role": one["role"], "content": one["content"]} for one in messages)
    return Conversation(record_id, tuple(plain))


def _place(conversations: list[Conversation], session: str | None, source: str) -> int:
    for place, one in enumerate(conversations):
        teaches = any(message["role"] == "assistant" for message in one.messages)
        if one.record_id.startswith(session) if session else teaches:
            return place
    raise TrainingError(
        "there is no such session",
        where=source,
        expected=f"an id such as {conversations[0].record_id}",
        got=session or "no session with a turn of the therapist",
        mend="Ids stand in messages.jsonl and in the manifest of the blend.",
    )


def _part(tokenizer: PreTrainedTokenizerBase, example: TrainingExample) -> Part:
    spans, at = [], 0
    for learned, group in groupby(example.loss_mask.tolist()):
        size = len(list(group))
        ids = example.input_ids[at : at + size]
        spans.append(Span(learned=learned, tokens=size, text=str(tokenizer.decode(ids))))
        at += size
    return Part(tokens=len(example), learned=example.supervised, spans=tuple(spans))
