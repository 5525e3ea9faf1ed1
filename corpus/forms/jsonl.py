"""JSON lines for trainers: OpenAI's fine-tuning, TRL, ShareGPT and Alpaca."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.chatform import Message, messages_of, system_prompt
from corpus.forms.form import Form, Row, about, lineage_of
from domain.base import canonical_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from domain.record import Record

_FROM = {"system": "system", "user": "human", "assistant": "gpt"}
_LONGEST = 512
"""Characters of a value in OpenAI's `metadata`."""


def openai_rows(record: Record) -> Iterator[Row]:
    """Yield the session with a weight on each assistant message: 1, it is learned.

    OpenAI, Fine-tuning guide, "Multi-turn chat examples": `weight` is 0 or 1, on messages of the
    assistant only. `metadata` has string values of at most 512 characters.
    """
    yield {
        "messages": [_weighted(message) for message in messages_of(record.turns)],
        "metadata": {
            **{name: str(value)[:_LONGEST] for name, value in about(record).items()},
            "lineage": " ".join(lineage_of(record))[:_LONGEST],
        },
    }


def _weighted(message: Message) -> Row:
    return {**message, "weight": 1} if message["role"] == "assistant" else {**message}


def trl_rows(record: Record) -> Iterator[Row]:
    """Yield the session as TRL's conversational language modelling type has it."""
    yield {"messages": messages_of(record.turns), **about(record)}


def sharegpt_rows(record: Record) -> Iterator[Row]:
    """Yield the session as ShareGPT's dumps have it."""
    said = [
        {"from": _FROM[message["role"]], "value": message["content"]}
        for message in messages_of(record.turns)
    ]
    yield {"conversations": said, **about(record)}


def alpaca_rows(record: Record) -> Iterator[Row]:
    """Yield a row for each therapist turn: what is answered, the answer, and what went before.

    `history` holds [client, therapist] pairs, as LLaMA-Factory reads them; it grows with the
    session, so this form is many times as large as the others.
    """
    messages = messages_of(record.turns)[1:]
    pairs = [
        [asked["content"], answered["content"]]
        for asked, answered in zip(messages[::2], messages[1::2], strict=False)
    ]
    for number, (asked_text, answer) in enumerate(pairs):
        yield {
            "instruction": asked_text,
            "input": "",
            "output": answer,
            "system": system_prompt(),
            "history": pairs[:number],
            "exchange": number,
            **about(record),
        }


def _writer(name: str, rows_of: Callable[[Record], Iterator[Row]]) -> Callable[..., int]:
    def write(folder: Path, records: Iterable[Record]) -> int:
        count = 0
        with (folder / name).open("wb") as stream:
            for record in records:
                for row in rows_of(record):
                    stream.write(canonical_json(row) + b"\n")
                    count += 1
        return count

    return write


def _form(name: str, rows_of: Callable[[Record], Iterator[Row]], describes: str) -> Form:
    return Form(name, _writer("train.jsonl", rows_of), describes, data_files="train.jsonl")


JSONL_FORMS = (
    _form(
        "openai",
        openai_rows,
        "`train.jsonl`: OpenAI's fine-tuning format, `messages` with `weight` 1 on what is learned;"
        " `metadata` names record, source, licence and lineage.",
    ),
    _form(
        "trl",
        trl_rows,
        "`train.jsonl`: `messages`, TRL's conversational type for SFTTrainer; `lineage` in each"
        " row.",
    ),
    _form(
        "sharegpt",
        sharegpt_rows,
        "`train.jsonl`: `conversations` of `from` (system, human, gpt) and `value`; `lineage` in"
        " each row.",
    ),
    _form(
        "alpaca",
        alpaca_rows,
        "`train.jsonl`: a row for each therapist turn with `instruction`, `input`, `output`,"
        " `system` and `history`; `id` and `lineage` name the session. The therapist is `output`.",
    ),
)
