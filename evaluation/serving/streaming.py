"""An answer told while it grows: what can be said already, and the events that say it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Telling:
    """Passes on what will surely be part of the answer, and no more.

    The end of a growing text may turn out to be the beginning of a stop string, which is no part
    of the answer; it is held back until that is known.

    Args:
        tell: Given each new piece, in the thread that generates.
        stops: The request's stop strings.
    """

    def __init__(self, tell: Callable[[str], None], stops: Sequence[str]) -> None:
        self._tell = tell
        self._stops = stops
        self._told = ""

    def grow(self, text: str) -> None:
        """Take in the answer as it reads so far."""
        self._say(text[: len(text) - _held_back(text, self._stops)])

    def end(self, text: str) -> None:
        """Take in the whole answer."""
        self._say(text)

    def _say(self, text: str) -> None:
        if len(text) > len(self._told) and text.startswith(self._told):
            piece, self._told = text[len(self._told) :], text
            self._tell(piece)


def _held_back(text: str, stops: Sequence[str]) -> int:
    """Return how many characters at the end of `text` may begin a stop string."""
    return max(
        (
            size
            for stop in stops
            for size in range(1, min(len(stop), len(text) + 1))
            if text.endswith(stop[:size])
        ),
        default=0,
    )


def event(content: object) -> bytes:
    """Return one server-sent event; a string is sent as it is, all else as JSON."""
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return f"data: {text}\n\n".encode()


DONE = event("[DONE]")
"""What OpenAI's clients take for the end of a stream."""
