from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from domain.errors import TrainingError
from training.chat import render

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TALK = [
    {"role": "system", "content": "You listen."},
    {"role": "user", "content": "I'm tired."},
    {"role": "assistant", "content": "You're tired."},
    {"role": "user", "content": "Yes."},
    {"role": "assistant", "content": "Mm-hmm."},
]
PLAIN = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def supervised(tokenizer: PreTrainedTokenizerBase) -> str:
    done = render(tokenizer, TALK)
    return str(tokenizer.decode(done.input_ids[done.loss_mask]))


def test_mask_equals_a_hand_count(tokenizer: PreTrainedTokenizerBase) -> None:
    done = render(tokenizer, TALK)
    first, second = (
        len(tokenizer(TALK[at]["content"], add_special_tokens=False)["input_ids"]) for at in (2, 4)
    )
    assert int(done.loss_mask.sum()) == first + 1 + second + 1
    assert len(done.runs) == 2


def test_end_of_turn_is_learned_and_nothing_else(tokenizer: PreTrainedTokenizerBase) -> None:
    assert supervised(tokenizer) == "You're tired.<|end|>Mm-hmm.<|end|>"


def test_template_without_marks_gives_the_same_tokens(tokenizer: PreTrainedTokenizerBase) -> None:
    tokenizer.chat_template = PLAIN
    assert supervised(tokenizer) == "You're tired.<|end|>Mm-hmm.<|end|>"


def test_marks_that_leave_the_end_of_turn_out_are_extended(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    tokenizer.chat_template = (
        "{% for message in messages %}<|{{ message['role'] }}|>"
        "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] }}"
        "{% endgeneration %}{% else %}{{ message['content'] }}{% endif %}<|end|>{% endfor %}"
    )
    assert supervised(tokenizer) == "You're tired.<|end|>Mm-hmm.<|end|>"


def test_template_without_an_end_of_turn_is_refused(tokenizer: PreTrainedTokenizerBase) -> None:
    tokenizer.chat_template = (
        "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n"
        "{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
    )
    with pytest.raises(TrainingError, match="end-of-turn") as raised:
        render(tokenizer, TALK)
    assert "generation" in raised.value.mend


def test_template_that_rewrites_the_past_is_refused(tokenizer: PreTrainedTokenizerBase) -> None:
    tokenizer.chat_template = "{{ messages | length }}" + PLAIN
    with pytest.raises(TrainingError, match="cannot tell"):
        render(tokenizer, TALK)


def test_template_that_raises_is_reported(tokenizer: PreTrainedTokenizerBase) -> None:
    tokenizer.chat_template = "{{ raise_exception('System role not supported') }}"
    with pytest.raises(TrainingError, match="refuses") as raised:
        render(tokenizer, TALK, "record-1")
    assert raised.value.where == "record-1"
    assert "System role" in raised.value.got


def test_no_template_is_reported(tokenizer: PreTrainedTokenizerBase) -> None:
    tokenizer.chat_template = None
    with pytest.raises(TrainingError, match="no chat template"):
        render(tokenizer, TALK)


def test_runs_are_the_mask(tokenizer: PreTrainedTokenizerBase) -> None:
    done = render(tokenizer, TALK)
    mask = np.zeros_like(done.loss_mask)
    for start, end in done.runs:
        mask[start:end] = True
    assert (mask == done.loss_mask).all()
