"""The messages of a request, and how a conversation is laid out in them.

The layout is the same for every role and byte-stable from the left, so that an endpoint's prefix
cache hits: the system prompt never changes within a session, earlier turns stand as they were
said, and private notes are appended to the last user message only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from typing_extensions import TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.turn import Speaker, Turn


class Message(TypedDict):
    """One message as it goes over the wire."""

    role: Literal["system", "user", "assistant"]
    content: str


OPENING = "[The session begins.]"
"""The first user message of the speaker who opens: there is nothing to answer yet."""


def system(content: str) -> Message:
    """Return a system message."""
    return {"role": "system", "content": content}


def user(content: str) -> Message:
    """Return a user message."""
    return {"role": "user", "content": content}


def conversation(
    system_prompt: str, turns: Sequence[Turn], speaker: Speaker, notes: str
) -> list[Message]:
    """Lay out `turns` as `speaker` sees them, who is to speak next.

    Args:
        system_prompt: The speaker's filled prompt.
        turns: What was said, alternating; the last one is the other's, or there is none.
        speaker: Own turns become `assistant`, the other's `user`.
        notes: Private notes for this turn, beginning with their heading; empty for none.
    """
    messages = [system(system_prompt)]
    if not turns or turns[0].speaker is speaker:
        messages.append(user(OPENING))
    for turn in turns:
        own = turn.speaker is speaker
        messages.append({"role": "assistant" if own else "user", "content": turn.text})
    if notes:
        messages[-1] = user(f"{messages[-1]['content']}\n\n{notes}")
    return messages


def listed(items: Sequence[str]) -> str:
    """Write several sentences or names in one line, parted by semicolons."""
    return "; ".join(item.strip().rstrip(".;") for item in items)
