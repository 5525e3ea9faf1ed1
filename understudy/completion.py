"""A chat completion as OpenAI's API words it, whole or in chunks."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from understudy.faults import Fault
from understudy.usage import count_pieces, cut, pieces, prompt_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from understudy.request import ChatRequest

REFUSAL = "I'm sorry, but I can't help with that."
WORDS_PER_CHUNK = 4


@dataclass(frozen=True, slots=True)
class Completion:
    """One finished answer. `refusal` stands instead of `text` when the model refuses."""

    id: str
    model: str
    text: str
    finish_reason: str
    prompt_tokens: int
    refusal: str | None = None

    @property
    def usage(self) -> dict[str, Any]:
        """Estimated token counts (see `understudy.usage`)."""
        spoken = count_pieces(self.refusal or self.text)
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": spoken,
            "total_tokens": self.prompt_tokens + spoken,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        }

    def whole(self) -> bytes:
        """Return the body of a `chat.completion`."""
        message = {
            "role": "assistant",
            "content": None if self.refusal else self.text,
            "refusal": self.refusal,
        }
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": self.finish_reason,
        }
        return orjson.dumps(
            self._head("chat.completion") | {"choices": [choice], "usage": self.usage}
        )

    def chunks(self, *, include_usage: bool) -> Iterator[bytes]:
        """Yield the server-sent events of a streamed answer, `[DONE]` last."""
        head = self._head("chat.completion.chunk") | ({"usage": None} if include_usage else {})
        yield _event(head, {"role": "assistant", "content": "", "refusal": None})
        field = "refusal" if self.refusal else "content"
        held: list[str] = []
        for piece in pieces(self.refusal or self.text):
            held.append(piece)
            if len(held) == WORDS_PER_CHUNK:
                yield _event(head, {field: "".join(held)})
                held.clear()
        if held:
            yield _event(head, {field: "".join(held)})
        yield _event(head, {}, self.finish_reason)
        if include_usage:
            yield b"data: " + orjson.dumps(head | {"choices": [], "usage": self.usage}) + b"\n\n"
        yield b"data: [DONE]\n\n"

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": kind,
            "created": int(time.time()),
            "model": self.model,
            "system_fingerprint": "understudy",
        }


def _event(head: dict[str, Any], delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return b"data: " + orjson.dumps(head | {"choices": [choice]}) + b"\n\n"


def complete(request: ChatRequest, text: str, fault: Fault | None) -> Completion:
    """Make the completion of `text`: stop strings, token limit and content faults applied."""
    for word in request.stop:
        text = text.partition(word)[0]
    text, was_cut = cut(text, request.max_tokens)
    refusal = None
    if fault is Fault.TRUNCATED:
        text, was_cut = text[: max(1, len(text) // 2)], True
    elif fault is Fault.EMPTY:
        text, was_cut = "", False
    elif fault is Fault.REFUSAL:
        text, refusal, was_cut = "", REFUSAL, False
    name = hashlib.sha256(f"{request.model}\0{request.seed}\0{text}".encode()).hexdigest()[:24]
    return Completion(
        id=f"chatcmpl-{name}",
        model=request.model,
        text=text,
        finish_reason="length" if was_cut else "stop",
        prompt_tokens=prompt_pieces(request),
        refusal=refusal,
    )
