"""Where each assistant turn stands in a rendered conversation, for templates that do not mark it.

Three things are checked before a turn may be learned: that the text is what the template makes of
this conversation, piece by piece; that what stands before the turn is what the model will have
before it when it answers; and (in `training.chat`) that a control token ends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from domain.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerBase

Message: TypeAlias = dict[str, str]
"""One chat message: `role` (system, user, assistant) and `content`."""

TEMPLATE_MEND = (
    "Mark what the assistant says with {% generation %} … {% endgeneration %} in the tokenizer's"
    " chat template, its end-of-turn token included."
)
_MARKER = "\ue000{}\ue001"
"""Stands in for a turn; of Unicode's private use area, so no transcript and no template has it."""


def text_of(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], *, prompt: bool = False
) -> str:
    """Render with the tokenizer's own template; with `prompt`, up to where the model answers."""
    return str(
        tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=prompt)
    )


def spans_of(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], text: str
) -> list[tuple[int, int]]:
    """Return the (start, end) of what each assistant message says in `text`, in characters.

    A template may strip a message, and may write something else around the last turn than around
    the others (an empty block for reasoning, say): the turn begins after that.

    Raises:
        TrainingError: The template does not keep the messages, or shows an answer another past in
            training than when the model answers.
    """
    said = [index for index, message in enumerate(messages) if message["role"] == "assistant"]
    places = _places(tokenizer, messages, said, text)
    spans = []
    for index, (start, end) in zip(said, places, strict=True):
        prompt = text_of(tokenizer, messages[:index], prompt=True)
        if not text.startswith(prompt) or len(prompt) > start:
            raise _refused(
                "a template that shows a turn the same past in training as when it answers",
                f"what stands before turn {index} is changed by what follows",
            )
        between = text[len(prompt) : start]
        # The space that many templates put before an answer is the model's to say.
        spans.append((len(prompt) if between.isspace() else start, end))
    return spans


def _places(
    tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message], said: list[int], text: str
) -> list[tuple[int, int]]:
    """Render markers in the turns' places: the fixed pieces between them must make up `text`.

    White space after a turn goes with it, in case the token that ends the turn follows.
    """
    marked = [dict(message) for message in messages]
    for number, index in enumerate(said):
        marked[index]["content"] = _MARKER.format(number)
    rest, pieces = text_of(tokenizer, marked), []
    for number in range(len(said)):
        piece, found, rest = rest.partition(_MARKER.format(number))
        if not found:
            raise _refused("every turn once, in order", f"assistant turn {number} is not there")
        pieces.append(piece)
    pieces.append(rest)
    places: list[tuple[int, int]] = []
    at = 0
    for number, index in enumerate(said):
        at += len(pieces[number])
        content = messages[index]["content"]
        ways = (content, content.rstrip(), content.lstrip(), content.strip())
        fits = [way for way in ways if text.startswith(way + pieces[number + 1], at)]
        if not fits or not text.startswith(pieces[0]):
            raise _refused("messages word for word", f"turn {index} is rewritten")
        longest, after = max(fits, key=len), pieces[number + 1]
        end = at + len(longest)
        places.append((at, end + len(after) - len(after.lstrip())))
        at = end
    if at + len(pieces[-1]) != len(text):
        raise _refused("the same text around every answer", "the text goes on elsewhere")
    return places


def _refused(expected: str, got: str) -> TrainingError:
    return TrainingError(
        "cannot tell the assistant's tokens from the rest",
        where="chat template",
        expected=expected,
        got=got,
        mend=TEMPLATE_MEND,
    )
