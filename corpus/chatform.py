"""A record as chat messages: the therapist is the assistant, the client the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from corpus.data.files import load_text
from domain.turn import Speaker, Turn

if TYPE_CHECKING:
    from collections.abc import Sequence

SESSION_BEGINS = "[The session begins.]"
"""The user message before a session that the therapist opens: chat templates want a user first,
and the campaign's therapist sees the same words."""


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
