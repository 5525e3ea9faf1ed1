"""A conversation in the model's own chat template, and which of its tokens are to be learned."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from jinja2 import TemplateError

from domain.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerBase

Message: TypeAlias = dict[str, str]
"""One chat message: `role` (system, user, assistant) and `content`."""

_Tokens: TypeAlias = "tuple[NDArray[np.int64], list[tuple[int, int]]]"

_GENERATION = re.compile(r"\{%-?\s*generation\s*-?%\}")
_TEMPLATE_MEND = (
    "Mark what the assistant says with {% generation %} … {% endgeneration %} in the tokenizer's"
    " chat template, its end-of-turn token included."
)


@dataclass(frozen=True)
class Rendered:
    """A conversation in tokens.

    `input_ids` [L] int64; `loss_mask` [L] True on the tokens to train: what the assistant says
    and the token that ends its turn; `runs` the (start, end) of each supervised turn, in order.
    """

    input_ids: NDArray[np.int64]
    loss_mask: NDArray[np.bool_]
    runs: tuple[tuple[int, int], ...]


def render(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], where: str = ""
) -> Rendered:
    """Render `messages` and find the assistant's tokens.

    The template's own {% generation %} marks are used where it has them; otherwise each assistant
    turn is found by rendering the conversation up to it and past it.

    Raises:
        TrainingError: There is no template, it refuses the conversation, or the assistant's
            tokens, with an end-of-turn token, cannot be told from the rest.
    """
    template = tokenizer.get_chat_template() if tokenizer.chat_template else None
    if template is None:
        raise TrainingError(
            "the base model has no chat template",
            where=str(tokenizer.name_or_path),
            expected="an instruction-tuned model, or a tokenizer with a chat_template",
            mend="Name an instruct model in training.base, or add a chat template to it.",
        )
    marked = _GENERATION.search(template) is not None
    try:
        ids, runs = (_marked if marked else _unmarked)(tokenizer, list(messages))
    except TemplateError as error:
        raise TrainingError(
            "the chat template refuses the conversation",
            where=where,
            got=str(error),
            mend="Choose a base whose template takes a system message and turns in this order.",
        ) from error
    control = np.isin(ids, sorted(_control_ids(tokenizer)))
    closed = tuple(_closed(first, last, control, where) for first, last in runs)
    mask = np.zeros(len(ids), dtype=np.bool_)
    for first, last in closed:
        mask[first:last] = True
    return Rendered(ids, mask, closed)


def _marked(tokenizer: PreTrainedTokenizerBase, messages: list[Message]) -> _Tokens:
    """Tokens and assistant runs by the template's own marks."""
    encoded: Any = tokenizer.apply_chat_template(
        messages, return_dict=True, return_assistant_tokens_mask=True
    )
    ids = np.asarray(encoded["input_ids"], dtype=np.int64)
    marks = np.diff(np.asarray(encoded["assistant_masks"], dtype=np.int8), prepend=0, append=0)
    firsts, lasts = np.flatnonzero(marks == 1), np.flatnonzero(marks == -1)
    return ids, [(int(first), int(last)) for first, last in zip(firsts, lasts, strict=True)]


def _unmarked(tokenizer: PreTrainedTokenizerBase, messages: list[Message]) -> _Tokens:
    """Tokens and assistant runs by rendering the conversation up to each turn and past it.

    A token belongs to the turn that it begins in.
    """
    if not tokenizer.is_fast:
        raise TrainingError(
            "the tokenizer does not say where in the text a token stands",
            where=str(tokenizer.name_or_path),
            expected="a fast tokenizer (tokenizer.json), or {% generation %} marks",
            mend=_TEMPLATE_MEND,
        )
    text = _text(tokenizer, messages)
    spans = [
        _span_by_prefix(tokenizer, messages, index, text)
        for index, message in enumerate(messages)
        if message["role"] == "assistant"
    ]
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    begins = np.asarray([start for start, _ in encoded["offset_mapping"]], dtype=np.int64)
    borders = np.searchsorted(begins, np.asarray(spans, dtype=np.int64).reshape(-1, 2))
    runs = [(int(first), int(last)) for first, last in borders]
    return np.asarray(encoded["input_ids"], dtype=np.int64), runs


def _span_by_prefix(
    tokenizer: PreTrainedTokenizerBase, messages: list[Message], index: int, text: str
) -> tuple[int, int]:
    before = _text(tokenizer, messages[:index], prompt=True)
    through = _text(tokenizer, messages[: index + 1]).rstrip()
    said = messages[index]["content"].strip()
    if text.startswith(before) and text.startswith(through) and said in through[len(before) :]:
        return len(before), len(through)
    raise TrainingError(
        "cannot tell the assistant's tokens from the rest",
        where="chat template",
        expected="a template that renders a conversation's beginning as the beginning of it",
        got=f"turn {index} changes what stands before it",
        mend=_TEMPLATE_MEND,
    )


def _text(
    tokenizer: PreTrainedTokenizerBase, messages: list[Message], *, prompt: bool = False
) -> str:
    return str(
        tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt)
    )


def _closed(first: int, last: int, control: NDArray[np.bool_], where: str) -> tuple[int, int]:
    """Let the run [first, last) end with the control token that ends the turn.

    A model that never learns to predict that token never stops talking.
    """
    inside = np.flatnonzero(control[first:last])
    if inside.size:
        return first, first + int(inside[-1]) + 1
    if last < len(control) and control[last]:
        return first, last + 1
    raise TrainingError(
        "no end-of-turn token follows what the assistant says",
        where=where or "chat template",
        expected="a special token right after each assistant turn",
        mend=_TEMPLATE_MEND,
    )


def _control_ids(tokenizer: PreTrainedTokenizerBase) -> set[int]:
    return {int(token) for token in tokenizer.added_tokens_decoder} | {
        int(token) for token in tokenizer.all_special_ids
    }
