"""A conversation in the model's own chat template, and which of its tokens are to be learned."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from jinja2 import TemplateError

from corpus.chatform import fit_template
from domain.errors import TrainingError
from training.turns import TEMPLATE_MEND, Message, spans_of, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerBase

_Tokens: TypeAlias = "tuple[NDArray[np.int64], list[tuple[int, int]]]"

_GENERATION = re.compile(r"\{%-?\s*generation\s*-?%\}")


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

    The template's own {% generation %} marks are used where it has them, and checked against what
    is said; otherwise the turns are found by `training.turns`. Where the template takes no system
    message, it goes in front of the first user message. Control tokens that stand in a message are
    broken up: what a transcript says must not open or close a turn.

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
    try:
        fitted = fit_template(tokenizer, [_disarmed(tokenizer, message) for message in messages])
        marked = _GENERATION.search(template) is not None
        ids, runs = (_marked if marked else _unmarked)(tokenizer, fitted)
    except TemplateError as error:
        raise TrainingError(
            "the chat template refuses the conversation",
            where=where,
            got=str(error),
            mend="Choose a base whose template takes user and assistant turns in this order.",
        ) from error
    control = np.isin(ids, sorted(_control_ids(tokenizer)))
    closed = tuple(_closed(first, last, control, where) for first, last in runs)
    mask = np.zeros(len(ids), dtype=np.bool_)
    for first, last in closed:
        mask[first:last] = True
    return Rendered(ids, mask, closed)


def end_of_turn(tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the id of the token that a model learns to end its turn with.

    Raises:
        TrainingError: See `render`.
    """
    talk = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hello."}]
    done = render(tokenizer, talk)
    return int(done.input_ids[done.runs[-1][1] - 1])


def _disarmed(tokenizer: PreTrainedTokenizerBase, message: Message) -> Message:
    """Put a space into control tokens that are part of what somebody says."""
    content = message["content"]
    for token in tokenizer.added_tokens_decoder.values():
        name = str(token.content)
        if len(name.strip()) > 1 and name in content:
            content = content.replace(name, f"{name[0]} {name[1:]}")
    return {**message, "content": content}


def _marked(tokenizer: PreTrainedTokenizerBase, messages: list[Message]) -> _Tokens:
    """Tokens and assistant runs by the template's own marks, one for each turn."""
    encoded: Any = tokenizer.apply_chat_template(
        messages, return_dict=True, return_assistant_tokens_mask=True
    )
    ids = np.asarray(encoded["input_ids"], dtype=np.int64)
    marks = np.diff(np.asarray(encoded["assistant_masks"], dtype=np.int8), prepend=0, append=0)
    firsts, lasts = np.flatnonzero(marks == 1), np.flatnonzero(marks == -1)
    runs = [(int(first), int(last)) for first, last in zip(firsts, lasts, strict=True)]
    said = [message["content"] for message in messages if message["role"] == "assistant"]
    found = [_letters(str(tokenizer.decode(ids[first:last]))) for first, last in runs]
    if len(found) != len(said) or any(
        _letters(words) not in run for words, run in zip(said, found, strict=True)
    ):
        raise TrainingError(
            "the chat template marks something else than what the assistant says",
            where="chat template",
            expected=f"{len(said)} marked runs, each with the words of its turn",
            got=f"{len(found)} runs",
            mend=TEMPLATE_MEND,
        )
    return ids, runs


def _letters(text: str) -> str:
    """Leave white space out: decoding may change it."""
    return "".join(text.split())


def _unmarked(tokenizer: PreTrainedTokenizerBase, messages: list[Message]) -> _Tokens:
    """Tokens and assistant runs by where each turn stands in the text.

    A token belongs to the turn that it begins in; the first may begin with the space before it.
    """
    if not tokenizer.is_fast:
        raise TrainingError(
            "the tokenizer does not say where in the text a token stands",
            where=str(tokenizer.name_or_path),
            expected="a fast tokenizer (tokenizer.json), or {% generation %} marks",
            mend=TEMPLATE_MEND,
        )
    text = text_of(tokenizer, messages)
    spans = np.asarray(spans_of(tokenizer, messages, text), dtype=np.int64).reshape(-1, 2)
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    offsets = np.asarray(encoded["offset_mapping"], dtype=np.int64).reshape(-1, 2)
    firsts = np.searchsorted(offsets[:, 1], spans[:, 0], side="right")
    lasts = np.searchsorted(offsets[:, 0], spans[:, 1])
    runs = [(int(first), int(last)) for first, last in zip(firsts, lasts, strict=True)]
    return np.asarray(encoded["input_ids"], dtype=np.int64), runs


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
        mend=TEMPLATE_MEND,
    )


def _control_ids(tokenizer: PreTrainedTokenizerBase) -> set[int]:
    return {int(token) for token in tokenizer.added_tokens_decoder} | {
        int(token) for token in tokenizer.all_special_ids
    }
