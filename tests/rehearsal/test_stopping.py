"""Ctrl-C and SIGTERM to the program itself, wherever it is: 130, and its document."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from domain.errors import ExitCode
from engine import cluster
from rehearsal import __main__ as program
from tests.support.threaded import ThreadedServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BOTH = pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
LONG_S = 120.0


class Slow:
    """Keeps whoever asks waiting, for its models or for an answer."""

    def __init__(self) -> None:
        self.slow_models = False
        self.asked = threading.Semaphore(0)
        self.url = ""

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._chat)
        return app

    async def _models(self, _: web.Request) -> web.Response:
        if self.slow_models:
            self.asked.release()
            await asyncio.sleep(LONG_S)
        return web.json_response({"data": [{"id": "m"}]})

    async def _chat(self, _: web.Request) -> web.Response:
        self.asked.release()
        await asyncio.sleep(LONG_S)
        return web.Response(status=500)


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Slow]:
    made = Slow()
    with ThreadedServer(made.app()) as server:
        made.url = server.url
        (tmp_path / "run.yaml").write_text(
            f"name: x\nendpoint: {{base_url: '{made.url}/v1'}}\n"
            "roles: {client: {model: m}, therapist: {model: m}, supervisor: {model: m}}\n"
            "campaign: {sessions: 2}\nengine: {kind: inline}\n"
        )
        yield made


def started(tmp_path: Path, repository: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "rehearsal", "campaign", "run", "run.yaml", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(repository)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that a shell runs in the background inherit a SIGINT that is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def ended(process: subprocess.Popen[str]) -> None:
    out, err = process.communicate(timeout=LONG_S / 2)
    assert process.returncode == ExitCode.INTERRUPTED, err
    assert json.loads(out)["error"]["exit_code"] == ExitCode.INTERRUPTED
    assert "Traceback" not in err


@BOTH
def test_while_endpoints_are_asked(
    slow: Slow, tmp_path: Path, repository: Path, how: signal.Signals
) -> None:
    slow.slow_models = True
    process = started(tmp_path, repository)
    assert slow.asked.acquire(timeout=LONG_S)
    process.send_signal(how)
    ended(process)
    assert not (tmp_path / "runs" / "x").exists()


def test_twice_while_calls_are_in_flight(slow: Slow, tmp_path: Path, repository: Path) -> None:
    process = started(tmp_path, repository)
    for _ in range(2):
        assert slow.asked.acquire(timeout=LONG_S)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None  # it drains
    while process.poll() is None:  # two that come before the first is heard count as one
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)  # so that more come while it is being said how it ended
    ended(process)


@pytest.mark.parametrize("words", [["doctor"], ["doctor", "--json"]])
def test_while_the_program_is_loaded(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Loading(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "rehearsal.cli", Loading("rehearsal.cli"))
    monkeypatch.setattr(sys, "argv", ["rehearsal", *words])
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as stopped:
            program.main()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert stopped.value.code == ExitCode.INTERRUPTED
    out = capsys.readouterr().out
    assert (json.loads(out)["error"]["exit_code"] if out else None) == (130 if words[1:] else None)


def test_rays_way_with_sigterm_ends_with_its_start() -> None:
    before = signal.getsignal(signal.SIGTERM)

    def start_as_ray_does() -> None:
        with cluster._signals_kept():
            signal.signal(signal.SIGTERM, lambda number, _: sys.exit(number))
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        start_as_ray_does()
    assert signal.getsignal(signal.SIGTERM) == before
