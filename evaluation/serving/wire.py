"""Answers as OpenAI's clients read them: `chat.completion`, and `chat.completion.chunk`."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evaluation.serving.requests import ChatRequest
    from evaluation.serving.sampling import Row


def completion(request: ChatRequest, row: Row) -> dict[str, Any]:
    """Return a finished answer."""
    return {
        **_head(row, "chat.completion"),
        "model": request.model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": row.text, "refusal": None},
                "logprobs": None,
                "finish_reason": row.finish_reason,
            }
        ],
        "usage": usage(row),
    }


def usage(row: Row) -> dict[str, int]:
    """Count the tokens of a request and its answer."""
    return {
        "prompt_tokens": len(row.prompt),
        "completion_tokens": len(row.tokens),
        "total_tokens": len(row.prompt) + len(row.tokens),
    }


class Chunks:
    """The chunks of one streamed answer; they share an id and the time at which it began."""

    def __init__(self, request: ChatRequest, row: Row) -> None:
        self._head = {**_head(row, "chat.completion.chunk"), "model": request.model}
        self._counted = request.form.include_usage

    def piece(self, text: str, *, first: bool = False) -> dict[str, Any]:
        """Return a piece of text; the first also says who speaks."""
        delta = {"role": "assistant", "content": text} if first else {"content": text}
        return self._chunk([_choice(delta, None)])

    def end(self, row: Row) -> list[dict[str, Any]]:
        """Return what closes the stream: why it ended and, where asked for, the usage."""
        last = self._chunk([_choice({}, row.finish_reason)])
        return (
            [last, {**self._head, "choices": [], "usage": usage(row)}] if self._counted else [last]
        )

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        counted = {"usage": None} if self._counted else {}
        return {**self._head, "choices": choices, **counted}


def _choice(delta: dict[str, str], reason: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}


def _head(row: Row, kind: str) -> dict[str, Any]:
    digest = hashlib.sha256(f"{row.model}\x1f{row.prompt}\x1f{row.text}".encode()).hexdigest()
    return {"id": f"chatcmpl-{digest[:24]}", "object": kind, "created": int(time.time())}
