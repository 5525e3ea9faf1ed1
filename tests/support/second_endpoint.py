"""A second OpenAI-compatible endpoint, unrelated to the understudy.

Written against OpenAI's public description of `POST /v1/chat/completions`: it refuses any field it
does not know, insists on a key, and answers as a model would: from the request alone, the same
answer for the same request. It has no rules of counselling in it: speech is put together from the
words of the last message, and structured answers read the keys they need from the prompt.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections import Counter
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

KEY = "sk-second-endpoint"
MODEL = "plain-8b-instruct"


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Message(_Closed):
    role: Literal["system", "developer", "user", "assistant"]
    content: str


class JsonSchema(_Closed):
    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    schema_: dict[str, Any] = Field(alias="schema")
    strict: bool | None = None


class ResponseFormat(_Closed):
    type: Literal["json_schema"]
    json_schema: JsonSchema


class Body(_Closed):
    """The fields of OpenAI's request that this endpoint supports."""

    model: str
    messages: list[Message] = Field(min_length=1)
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = None
    seed: int | None = None
    response_format: ResponseFormat | None = None
    stream: Literal[False] = False


class SecondEndpoint:
    """The endpoint and what it saw: how often each call key was asked."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.refused: list[str] = []
        self.reports_usage = True

    def app(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application(client_max_size=8 * 1024**2)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._complete)
        return app

    async def _models(self, request: web.Request) -> web.Response:
        if (no := self._unauthorised(request)) is not None:
            return no
        return web.json_response({"object": "list", "data": [{"id": MODEL, "object": "model"}]})

    async def _complete(self, request: web.Request) -> web.Response:
        if (no := self._unauthorised(request)) is not None:
            return no
        try:
            body = Body.model_validate_json(await request.read())
        except ValidationError as error:
            self.refused.append(str(error))
            return _error(400, str(error.errors()[0]["msg"]), "invalid_request_error")
        if body.model != MODEL:
            return _error(404, f"The model {body.model} does not exist", "model_not_found")
        self.asked[request.headers.get("X-Rehearsal-Call", "")] += 1
        answer = _completion(body)
        if not self.reports_usage:
            del answer["usage"]
        return web.json_response(answer)

    def _unauthorised(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization") == f"Bearer {KEY}":
            return None
        return _error(401, "Incorrect API key provided", "invalid_api_key")


def _error(status: int, message: str, code: str) -> web.Response:
    body = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return web.json_response({"error": body}, status=status)


def _completion(body: Body) -> dict[str, Any]:
    text = _structured(body) if body.response_format else _speech(body)
    prompt = sum(len(message.content.split()) for message in body.messages)
    return {
        "id": "chatcmpl-" + _digest(body)[:12],
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body.model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": len(text.split()),
            "total_tokens": prompt + len(text.split()),
        },
        "service_tier": "default",
    }


def _digest(body: Body) -> str:
    return hashlib.sha256(body.model_dump_json().encode()).hexdigest()


def _speech(body: Body) -> str:
    """Say something that depends on everything that was said."""
    said = body.messages[-1].content.split("\n\nPrivate notes")[0]
    words = re.findall(r"[A-Za-z']{4,}", said) or ["this"]
    pick = int(_digest(body)[:8], 16)
    return (
        f"I keep coming back to {words[pick % len(words)].lower()}, "
        f"thought number {pick % 977}; can we stay with that?"
    )


def _structured(body: Body) -> str:
    system, user = body.messages[0].content, body.messages[-1].content
    assert body.response_format is not None
    wanted = body.response_format.json_schema.schema_["properties"]
    if "gates" not in wanted:
        score = 1 + int(_digest(body)[:8], 16) % 5
        return json.dumps({"reason": "It stays close.", "quote": "", "score": score})
    therapist = [int(n) for n in re.findall(r"^\[(\d+)\] Therapist:", user, re.MULTILINE)]
    generous = int(_digest(body)[:8], 16) % 2 == 0
    critique = {
        "gates": [
            {"gate": key, "turns": [], "reason": "Nothing against it.", "passed": True}
            for key in _keys(system, "Gates")
        ],
        "items": [
            {"item": key, "turns": therapist[:2], "reason": "Fair.", "score": 5 if generous else 3}
            for key in _keys(system, "Items")
        ],
        "flaws": []
        if generous
        else [
            {
                "turn": therapist[len(therapist) // 2],
                "kind": _keys(system, "Flaws")[0],
                "what": "It moves on too soon.",
                "instead": "Stay with what was said.",
            }
        ],
    }
    return json.dumps(critique)


def _keys(system: str, section: str) -> list[str]:
    """Read the keys that a section of the prompt lists, one to a line: `- key: …`."""
    text = re.split(r"^# ", system, flags=re.MULTILINE)
    (body,) = [part for part in text if part.startswith(section)]
    return re.findall(r"^- `?(\w+)`?\b", body, re.MULTILINE)
