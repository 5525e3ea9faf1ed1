"""The HTTP face of the models under test: OpenAI's `/v1/models` and `/v1/chat/completions`."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from typing import TYPE_CHECKING

import jinja2
from aiohttp import web

from domain.call import CALL_HEADER
from evaluation.serving.batcher import Batcher
from evaluation.serving.refused import RequestRefused
from evaluation.serving.requests import ChatRequest, parse_request
from evaluation.serving.sampling import Row, make_row
from evaluation.serving.streaming import DONE, Telling, event
from evaluation.serving.wire import Chunks, completion

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
                "abandoned": batcher.abandoned,
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

    async def _chat(self, http: web.Request) -> web.StreamResponse:
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
        row = self._row(request)
        if request.form.json_schema is not None:
            # a large schema takes a while; others are answered meanwhile
            row.grammar = await asyncio.to_thread(
                self._models.grammars.start, request.form.json_schema
            )
        if request.form.stream:
            answer = await self._stream(http, request, row)
        else:
            answer = web.json_response(completion(request, await self._working().answer(row)))
        _LOG.info(
            "%s %s %d+%d tokens, %s",
            http.headers.get(CALL_HEADER, "-"),
            request.model,
            len(row.prompt),
            len(row.tokens),
            row.finish_reason,
        )
        return answer

    async def _stream(
        self, http: web.Request, request: ChatRequest, row: Row
    ) -> web.StreamResponse:
        """Tell the answer piece by piece, as server-sent events in OpenAI's form."""
        loop, pieces = asyncio.get_running_loop(), asyncio.Queue[str | None]()

        def tell(text: str) -> None:
            loop.call_soon_threadsafe(pieces.put_nowait, text)

        row.telling = Telling(tell, request.sampling.stop)
        answering = asyncio.create_task(self._working().answer(row))
        answering.add_done_callback(lambda _: loop.call_soon(pieces.put_nowait, None))
        stream = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        chunks = Chunks(request, row)
        try:
            await stream.prepare(http)
            await stream.write(event(chunks.piece("", first=True)))
            while (text := await pieces.get()) is not None:
                await stream.write(event(chunks.piece(text)))
            await stream.write(await _ending(answering, chunks))
        finally:
            answering.cancel()
        return stream

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
        return make_row(
            request.model, prompt, request.sampling, wanted or min(DEFAULT_TOKENS, room)
        )

    def _working(self) -> Batcher:
        if self._batcher is None:
            raise RequestRefused(503, "The server is starting.")
        return self._batcher


async def _ending(answering: asyncio.Task[Row], chunks: Chunks) -> bytes:
    """Return the events that close a stream; a failure on the way is one of them."""
    try:
        row = await answering
    except RequestRefused as refused:
        return event(refused.body())
    return b"".join([*(event(chunk) for chunk in chunks.end(row)), DONE])
