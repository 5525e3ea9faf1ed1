"""A record as chat messages: the therapist is the assistant, the client the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypedDict

from jinja2 import TemplateError

from corpus.data.files import load_text
from domain.turn import Speaker, Turn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SESSION_BEGINS = "[The session begins.]"
"""The user message before a session that the therapist opens: chat templates want a user first,
and the campaign's therapist sees the same words."""


class ChatTokenizer(Protocol):
    """What is needed of a tokenizer of transformers, which the corpus does without."""

    def apply_chat_template(self, conversation: Any, *, tokenize: bool) -> Any:  # noqa: ANN401
        """Render a conversation; text with `tokenize=False`."""


class Message(TypedDict):
    """One chat message."""

    role: str
    content: str


class Line(TypedDict):
    """One line of messages.jsonl."""

    id: str
    messages: list[Message]


def system_prompt() -> str:
    """Return the one system prompt of training and of the models under test."""
    return load_text("system-prompt.md").strip()


def messages_of(turns: Sequence[Turn], *, to_answer: bool = False) -> list[Message]:
    """Return system, then strictly alternating user and assistant messages.

    A training example ends with the assistant: words of the client that nobody answers teach
    nothing. With `to_answer` it ends with the client's turn that a model is to answer.
    """
    messages: list[Message] = [{"role": "system", "content": system_prompt()}]
    if turns and turns[0].speaker is Speaker.THERAPIST:
        messages.append({"role": "user", "content": SESSION_BEGINS})
    for turn in turns:
        role = "assistant" if turn.speaker is Speaker.THERAPIST else "user"
        if messages[-1]["role"] == role:
            messages[-1]["content"] += f" {turn.text}"
        else:
            messages.append({"role": role, "content": turn.text})
    if not to_answer and messages[-1]["role"] == "user":
        messages.pop()
    return messages


def fold_system(messages: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Put the system message in front of the first user message, for templates that take none."""
    whole = [dict(message) for message in messages]
    if len(whole) < 2 or whole[0]["role"] != "system" or whole[1]["role"] != "user":
        return whole
    system, first = whole[0]["content"], whole[1]["content"]
    return [{"role": "user", "content": f"{system}\n\n{first}"}, *whole[2:]]


def fit_template(
    tokenizer: ChatTokenizer, messages: Sequence[Mapping[str, str]]
) -> list[dict[str, str]]:
    """Fold the system message if the tokenizer's template refuses or drops it.

    Training and the models under test do the same, or they would be asked what they never saw.

    Raises:
        jinja2.TemplateError: The template refuses the conversation either way.
    """
    whole = [dict(message) for message in messages]
    if not whole or whole[0]["role"] != "system":
        return whole
    folded = fold_system(whole)
    try:
        if whole[0]["content"].strip() in str(tokenizer.apply_chat_template(whole, tokenize=False)):
            return whole
    except TemplateError:
        tokenizer.apply_chat_template(folded, tokenize=False)
    return folded
