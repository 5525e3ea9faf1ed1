"""A server of tiny models over real HTTP, and how the tests ask it."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.test_utils import TestServer

from evaluation.serving.app import ModelApp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from evaluation.serving.models import ServedModels

Reply = tuple[int, dict[str, Any]]


class Client:
    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session, self.url = session, url

    async def post(
        self, body: dict[str, Any] | bytes, headers: dict[str, str] | None = None
    ) -> Reply:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        url = f"{self.url}v1/chat/completions"
        async with self.session.post(url, data=data, headers=headers) as response:
            return response.status, await response.json()

    async def get(self, path: str) -> Reply:
        async with self.session.get(f"{self.url}{path}") as response:
            return response.status, await response.json()


@asynccontextmanager
async def running(
    models: ServedModels, *, token: str | None = None, drop_oldest: bool = False
) -> AsyncIterator[Client]:
    async with (
        TestServer(ModelApp(models, token=token, drop_oldest=drop_oldest).build()) as server,
        aiohttp.ClientSession() as session,
    ):
        yield Client(session, str(server.make_url("/")))


def ask(text: str, model: str = "base", **more: object) -> dict[str, Any]:
    messages = [
        {"role": "system", "content": "You are a counsellor."},
        {"role": "user", "content": text},
    ]
    return {"model": model, "messages": messages, "max_tokens": 24, **more}


def said(reply: Reply) -> str:
    assert reply[0] == 200, reply
    return str(reply[1]["choices"][0]["message"]["content"])
