"""Training examples: one sequence per session, every therapist turn supervised exactly once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from domain.errors import TrainingError
from training.chat import Rendered, render

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerBase

    from training.turns import Message

CONTEXT_SHARE = 4
"""A continued part of a long session opens with at most a quarter of its length as context."""


@dataclass(frozen=True)
class Conversation:
    """One session as chat messages; the therapist is the `assistant`."""

    record_id: str
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class TrainingExample:
    """One sequence.

    `input_ids` [L] int64; `loss_mask` [L] True on the tokens to train. Token 0 is never
    supervised: nothing stands before it to predict it from.
    """

    record_id: str
    input_ids: NDArray[np.int64]
    loss_mask: NDArray[np.bool_]

    @property
    def supervised(self) -> int:
        """Number of tokens with a loss."""
        return int(self.loss_mask.sum())

    def __len__(self) -> int:
        return len(self.input_ids)


def parse_conversations(data: bytes, where: str) -> list[Conversation]:
    """Read the JSON lines of a blend's messages.jsonl.

    Raises:
        TrainingError: A line is not a conversation, or no line has a therapist turn.
    """
    conversations = [
        _conversation(line, f"{where} line {number}")
        for number, line in enumerate(data.splitlines(), start=1)
        if line.strip()
    ]
    if any(_teaches(conversation) for conversation in conversations):
        return conversations
    raise _teaches_nothing(where, len(conversations))


def stream_conversations(path: Path, where: str) -> Iterator[Conversation]:
    """Read a messages.jsonl file line by line, without holding it.

    Raises:
        TrainingError: It cannot be read, a line is not a conversation, or none has a therapist.
    """
    sessions, teaching = 0, False
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    conversation = _conversation(line, f"{where} line {number}")
                    sessions, teaching = sessions + 1, teaching or _teaches(conversation)
                    yield conversation
    except OSError as error:
        raise unreadable(path, error) from error
    if not teaching:
        raise _teaches_nothing(where, sessions)


def stream_examples(
    tokenizer: PreTrainedTokenizerBase, conversations: Iterable[Conversation], max_length: int
) -> Iterator[TrainingExample]:
    """Render conversations one by one; see `build_examples`."""
    for conversation in conversations:
        if _teaches(conversation):
            yield from _examples_of(tokenizer, conversation, max_length)


def read_conversations(path: Path) -> list[Conversation]:
    """Read a messages.jsonl file; see `parse_conversations`."""
    return parse_conversations(read_messages(path), str(path.name))


def read_messages(path: Path) -> bytes:
    """Return the bytes of a messages.jsonl file.

    Raises:
        TrainingError: There is no such file.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error


def build_examples(
    tokenizer: PreTrainedTokenizerBase, conversations: Iterable[Conversation], max_length: int
) -> list[TrainingExample]:
    """Render every conversation; those longer than `max_length` tokens are split.

    Raises:
        TrainingError: The chat template cannot be used (see `training.chat.render`).
    """
    return list(stream_examples(tokenizer, conversations, max_length))


def _teaches_nothing(where: str, sessions: int) -> TrainingError:
    return TrainingError(
        "there is nothing to train on",
        where=where,
        expected="at least one session with a therapist turn",
        got=f"{sessions} sessions",
        mend="Accept or sign off sessions first, then blend again.",
    )


def unreadable(path: Path, error: OSError) -> TrainingError:
    """What is said when a blend cannot be read."""
    return TrainingError(
        "the blend cannot be read",
        where=str(path),
        got=error.strerror or str(error),
        mend="Make it with `rehearsal corpus blend`.",
    )


def _conversation(line: bytes, where: str) -> Conversation:
    try:
        row = json.loads(line)
        messages = tuple(
            {"role": str(message["role"]), "content": str(message["content"])}
            for message in row["messages"]
        )
        return Conversation(str(row.get("id") or row.get("record_id") or where), messages)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainingError(
            "not a conversation",
            where=where,
            expected='{"messages": [{"role": …, "content": …}, …]}',
            got=f"{type(error).__name__}: {error}",
            mend="Export the blend again.",
        ) from error


def _teaches(conversation: Conversation) -> bool:
    return any(message["role"] == "assistant" for message in conversation.messages)


def _examples_of(
    tokenizer: PreTrainedTokenizerBase, conversation: Conversation, max_length: int
) -> Iterator[TrainingExample]:
    whole = render(tokenizer, conversation.messages, conversation.record_id)
    if len(whole.input_ids) <= max_length:
        yield _example(conversation, whole, len(whole.runs))
        return
    system, exchanges = _exchanges(conversation.messages)
    sizes = _sizes(whole)
    done = 0
    while done < len(exchanges):
        start, stop = _window(sizes, done, max_length)
        part = _rendered(tokenizer, conversation, system, exchanges[start:stop])
        while len(part.input_ids) > max_length and stop - start > 1:
            start, stop = (start + 1, stop) if start < done else (start, stop - 1)
            part = _rendered(tokenizer, conversation, system, exchanges[start:stop])
        example = _example(conversation, part, stop - done)
        yield from _chunks(example, max_length)
        done = stop


def _exchanges(messages: Sequence[Message]) -> tuple[list[Message], list[list[Message]]]:
    """Split into the leading system messages and exchanges that each end with the assistant.

    What a client says after the last therapist turn teaches nothing and is left out.
    """
    system: list[Message] = []
    exchanges: list[list[Message]] = []
    open_exchange: list[Message] = []
    for message in messages:
        if message["role"] == "system" and not exchanges and not open_exchange:
            system.append(message)
            continue
        open_exchange.append(message)
        if message["role"] == "assistant":
            exchanges.append(open_exchange)
            open_exchange = []
    return system, exchanges


def _sizes(whole: Rendered) -> list[int]:
    """Tokens of each exchange; the first also holds the system messages."""
    ends = [end for _, end in whole.runs]
    return [end - before for before, end in zip([0, *ends], ends, strict=False)]


def _window(sizes: list[int], done: int, max_length: int) -> tuple[int, int]:
    """Choose exchanges [start, stop): the first `done - start` are context, the rest are learned.

    Sizes are those in the whole rendering, so the system messages are allowed for by the size of
    the first exchange; the caller measures what comes out and takes less if need be.
    """
    header = sizes[0] if done else 0
    start, context = done, 0
    while start > 0 and context + sizes[start - 1] <= max_length // CONTEXT_SHARE:
        start -= 1
        context += sizes[start]
    room = max_length - context - min(header, max_length // CONTEXT_SHARE)
    stop, used = done + 1, sizes[done]
    while stop < len(sizes) and used + sizes[stop] <= room:
        used += sizes[stop]
        stop += 1
    return start, stop


def _rendered(
    tokenizer: PreTrainedTokenizerBase,
    conversation: Conversation,
    system: list[Message],
    exchanges: list[list[Message]],
) -> Rendered:
    messages = system + [message for exchange in exchanges for message in exchange]
    return render(tokenizer, messages, conversation.record_id)


def _example(conversation: Conversation, part: Rendered, turns: int) -> TrainingExample:
    """Supervise the last `turns` therapist turns of `part`; drop what follows them."""
    mask = part.loss_mask.copy()
    if turns < len(part.runs):
        mask[: part.runs[-turns][0]] = False
    mask[0] = False
    end = part.runs[-1][1]
    return TrainingExample(conversation.record_id, part.input_ids[:end], mask[:end])


def _chunks(example: TrainingExample, max_length: int) -> Iterator[TrainingExample]:
    """Cut an exchange that alone exceeds `max_length`: each supervised token stays in one piece."""
    if len(example) <= max_length:
        yield example
        return
    stride = max_length // 2
    first = int(np.flatnonzero(example.loss_mask)[0])
    for begin in range(first, len(example), stride):
        stop = min(begin + stride, len(example))
        low = max(0, stop - max_length)
        mask = example.loss_mask[low:stop].copy()
        mask[: begin - low] = False
        mask[0] = False
        if mask.any():
            yield TrainingExample(example.record_id, example.input_ids[low:stop], mask)
