"""The HTTP face of the models under test: OpenAI's `/v1/models` and `/v1/chat/completions`."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from typing import TYPE_CHECKING

import jinja2
from aiohttp import web

from domain.call import CALL_HEADER
from evaluation.serving.batcher import Batcher
from evaluation.serving.requests import ChatRequest, RequestRefused, parse_request
from evaluation.serving.sampling import Row, make_row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from evaluation.serving.models import ServedModels

_LOG = logging.getLogger(__name__)

LARGEST_BODY = 8 * 2**20
DEFAULT_TOKENS = 512
"""Tokens of an answer when the request sets no limit and the context has room for them."""


class ModelApp:
    """Answers requests for one set of models.

    Args:
        models: What is served.
        token: When set, requests must carry `Authorization: Bearer <token>`.
        drop_oldest: Whether a conversation that is too long loses its oldest messages (never
            the system message, never the last) instead of being refused. Every variant has the
            same tokenizer, so every variant sees the same messages.
    """

    def __init__(
        self, models: ServedModels, *, token: str | None = None, drop_oldest: bool = False
    ) -> None:
        self._models = models
        self._token = token
        self._drop_oldest = drop_oldest
        self._shortened = 0
        self._batcher: Batcher | None = None

    def build(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[self._guard])
        app.router.add_get("/health", self._health)
        app.router.add_get("/v1/models", self._list)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.cleanup_ctx.append(self._lifetime)
        return app

    async def _lifetime(self, _: web.Application) -> AsyncIterator[None]:
        self._batcher = Batcher(self._models)
        self._batcher.start()
        yield
        await self._batcher.aclose()

    @web.middleware
    async def _guard(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Check the token; give every refusal a body in OpenAI's form."""
        try:
            self._check_token(request)
            return await handler(request)
        except RequestRefused as refused:
            headers = {"Retry-After": "1"} if refused.status == 429 else None
            return web.json_response(refused.body(), status=refused.status, headers=headers)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            answer = RequestRefused(error.status, f"{error.reason}: {request.path}")
            return web.json_response(answer.body(), status=error.status)

    def _check_token(self, request: web.Request) -> None:
        if self._token is None or request.path == "/health":
            return
        given = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
        if not hmac.compare_digest(given, self._token.encode()):
            raise RequestRefused(401, "Incorrect API key provided.", code="invalid_api_key")

    async def _health(self, _: web.Request) -> web.Response:
        batcher = self._working()
        return web.json_response(
            {
                "status": "ok",
                "answered": batcher.answered,
                "batches": batcher.batches,
                "shortened": self._shortened,
            }
        )

    async def _list(self, _: web.Request) -> web.Response:
        data = [
            {"id": name, "object": "model", "created": 0, "owned_by": "rehearsal"}
            for name in self._models.names
        ]
        return web.json_response({"object": "list", "data": data})

    async def _chat(self, http: web.Request) -> web.Response:
        try:
            request = parse_request(json.loads(await http.read()))
        except ValueError as error:
            raise RequestRefused(400, "The body is not JSON.") from error
        if request.model not in self._models.names:
            known = ", ".join(self._models.names)
            raise RequestRefused(
                404,
                f"The model `{request.model}` does not exist. Known models: {known}.",
                param="model",
                code="model_not_found",
            )
        row = await self._working().answer(request.model, self._row(request))
        _LOG.info(
            "%s %s %d+%d tokens, %s",
            http.headers.get(CALL_HEADER, "-"),
            request.model,
            len(row.prompt),
            len(row.tokens),
            row.finish_reason,
        )
        return web.json_response(_completion(request, row))

    def _row(self, request: ChatRequest) -> Row:
        """Encode the conversation and fit it, with its answer, into the model's context."""
        wanted = request.sampling.max_tokens
        messages = request.messages
        try:
            prompt = self._models.encode(messages)
            while self._drop_oldest and len(prompt) + (wanted or 1) > self._models.context:
                start = 1 if messages[0].role == "system" else 0
                if len(messages) - start <= 1:
                    break
                messages = (*messages[:start], *messages[start + 1 :])
                prompt = self._models.encode(messages)
        except jinja2.TemplateError as error:
            raise RequestRefused(
                400, f"The model's chat template refuses it: {error}", param="messages"
            ) from error
        self._shortened += len(messages) < len(request.messages)
        room = self._models.context - len(prompt)
        if room < (wanted or 1):
            raise RequestRefused(
                400,
                f"This model's maximum context length is {self._models.context} tokens; the "
                f"messages have {len(prompt)} and the answer wants {wanted or 1}.",
                param="messages",
                code="context_length_exceeded",
            )
        return make_row(prompt, request.sampling, wanted or min(DEFAULT_TOKENS, room))

    def _working(self) -> Batcher:
        if self._batcher is None:
            raise RequestRefused(503, "The server is starting.")
        return self._batcher


def _completion(request: ChatRequest, row: Row) -> dict[str, object]:
    digest = hashlib.sha256(f"{request.model}\x1f{row.prompt}\x1f{row.text}".encode()).hexdigest()
    return {
        "id": f"chatcmpl-{digest[:24]}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request.model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": row.text, "refusal": None},
                "logprobs": None,
                "finish_reason": row.finish_reason,
            }
        ],
        "usage": {
            "prompt_tokens": len(row.prompt),
            "completion_tokens": len(row.tokens),
            "total_tokens": len(row.prompt) + len(row.tokens),
        },
    }
