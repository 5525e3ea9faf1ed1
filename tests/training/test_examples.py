from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from domain.errors import TrainingError
from tests.training.talk import jsonl, messages
from training.chat import render
from training.examples import (
    Conversation,
    TrainingExample,
    build_examples,
    parse_conversations,
    read_messages,
)

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedTokenizerBase


def learned(examples: list[TrainingExample]) -> list[int]:
    return [int(token) for one in examples for token in one.input_ids[one.loss_mask]]


def test_a_session_is_one_sequence(tokenizer: PreTrainedTokenizerBase) -> None:
    made = build_examples(tokenizer, parse_conversations(jsonl(3), "blend"), 4096)
    assert [one.record_id for one in made] == ["record-0", "record-1", "record-2"]
    assert not any(one.loss_mask[0] for one in made)


@pytest.mark.parametrize("length", [96, 160, 300])
def test_a_long_session_is_split_and_every_turn_learned_once(
    tokenizer: PreTrainedTokenizerBase, length: int
) -> None:
    talk = messages(0, 40)
    whole = render(tokenizer, talk)
    made = build_examples(tokenizer, [Conversation("long", tuple(talk))], length)
    assert len(made) > 1
    assert all(len(one) <= length for one in made)
    assert learned(made) == [int(token) for token in whole.input_ids[whole.loss_mask]]


def test_later_parts_open_with_the_system_message_and_context(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    made = build_examples(tokenizer, [Conversation("long", tuple(messages(0, 40)))], 300)
    assert str(tokenizer.decode(made[1].input_ids)).startswith(
        "<|system|>You listen.<|end|><|user|>"
    )
    first_learned = int(np.flatnonzero(made[1].loss_mask)[0])
    assert "<|assistant|>" in tokenizer.decode(made[1].input_ids[: first_learned - 2])


def test_a_turn_longer_than_a_sequence_is_learned_once(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    talk = [
        {"role": "user", "content": "Tell me. " * 90},
        {"role": "assistant", "content": "It rained, and nobody came. " * 60},
    ]
    whole = render(tokenizer, talk)
    made = build_examples(tokenizer, [Conversation("monologue", tuple(talk))], 128)
    assert all(len(one) <= 128 for one in made)
    assert learned(made) == [int(token) for token in whole.input_ids[whole.loss_mask]]


def test_what_nobody_answers_is_left_out(tokenizer: PreTrainedTokenizerBase) -> None:
    talk = [*messages(0, 2), {"role": "user", "content": "Hello? Is anybody there?"}]
    [made] = build_examples(tokenizer, [Conversation("cut off", tuple(talk))], 4096)
    assert "anybody" not in tokenizer.decode(made.input_ids)


def test_a_blend_without_therapist_turns_is_refused() -> None:
    with pytest.raises(TrainingError, match="nothing to train on"):
        parse_conversations(b'{"id": "a", "messages": [{"role": "user", "content": "Hi."}]}', "x")


def test_a_broken_line_is_named() -> None:
    with pytest.raises(TrainingError) as raised:
        parse_conversations(jsonl(1) + b'\n{"messages": 3}', "blend real")
    assert raised.value.where == "blend real line 2"


def test_a_missing_blend_is_reported(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be read"):
        read_messages(tmp_path / "messages.jsonl")
