"""An endpoint to play campaigns against, and run files that point to it."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from aiohttp import web

from agents.pack import Pack, load_pack
from domain.settings import Settings
from tests.support.second_endpoint import KEY, MODEL, SecondEndpoint
from tests.support.threaded import ThreadedServer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

KEY_ENV = "SECOND_ENDPOINT_KEY"


class Stage:
    """A running endpoint, what it was asked, and how long it takes."""

    def __init__(self) -> None:
        self.endpoint = SecondEndpoint()
        self.latency_s = 0.0
        self.url = ""
        self.dies_after: int | None = None
        """Requests after which every connection is cut; None for a healthy server."""
        self.broke_after: int | None = None
        """Completions after which each is refused for want of money; None for a full account."""
        self.fails_after: int | None = None
        """Completions after which each ends in HTTP 500, with a list of models for everybody."""
        self.fails_as = (500, "boom")
        self.retries = 0
        self.patience_s = 0.0
        self.refuses_key = False
        """Whether completions are refused for their key, with a list of models for everybody."""

    def app(self) -> web.Application:
        app = self.endpoint.app()
        app.middlewares.append(self._wait)
        return app

    @web.middleware
    async def _wait(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        await asyncio.sleep(self.latency_s)
        if self.dies_after is not None and sum(self.asked.values()) >= self.dies_after:
            assert request.transport is not None
            request.transport.close()
        broke = self.broke_after is not None and sum(self.asked.values()) >= self.broke_after
        if broke and request.method == "POST":
            body = {"message": "You exceeded your quota.", "code": "insufficient_quota"}
            return web.json_response({"error": body}, status=429)
        fails = self.fails_after is not None and sum(self.asked.values()) >= self.fails_after
        if fails and request.method == "POST":
            status, said = self.fails_as
            return web.json_response({"error": {"message": said}}, status=status)
        if self.refuses_key and request.method == "POST":
            body = {"message": "Incorrect API key provided.", "code": "invalid_api_key"}
            return web.json_response({"error": body}, status=401)
        return await handler(request)

    @property
    def asked(self) -> dict[str, int]:
        return dict(self.endpoint.asked)

    def settings(self, sessions: int = 6, kind: str = "inline", **campaign: Any) -> Settings:  # noqa: ANN401
        role = {"model": MODEL, "temperature": 0.5}
        return Settings.model_validate(
            {
                "name": "trial",
                "endpoint": {
                    "base_url": f"{self.url}/v1",
                    "api_key_env": KEY_ENV,
                    "retries": self.retries,
                    "patience_s": self.patience_s,
                },
                "roles": dict.fromkeys(("client", "therapist", "supervisor"), role),
                "engine": {"kind": kind, "workers": 2, "sessions_in_flight": 4},
                "campaign": {"sessions": sessions, "exchanges": 4, "revisions": 1, **campaign},
            }
        )


S = TypeVar("S", bound=Stage)


@contextmanager
def open_stage(made: S, monkeypatch: pytest.MonkeyPatch) -> Iterator[S]:
    """Serve a stage, with its key in the environment."""
    monkeypatch.setenv(KEY_ENV, KEY)
    with ThreadedServer(made.app()) as server:
        made.url = server.url
        yield made


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with open_stage(Stage(), monkeypatch) as made:
        yield made


@pytest.fixture(scope="session")
def pack() -> Pack:
    return load_pack("cbt")
