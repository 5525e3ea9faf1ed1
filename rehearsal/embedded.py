"""Starts what a run needs besides itself: the understudy, when a role's address is `understudy`."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from domain.errors import EndpointError
from domain.settings import EMBEDDED, EndpointSettings, RolesSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

Asked = TypeVar("Asked", bound=EndpointSettings)

STARTUP_S = 60.0
KEY_VARIABLE = "REHEARSAL_UNDERSTUDY_KEY"
"""Variable that carries the server's token to this process and its workers."""


@contextmanager
def endpoints_ready(settings: Settings) -> Iterator[Settings]:
    """Yield the settings with every `base_url: understudy` replaced by a running server's.

    The server is a process of its own on a free loopback port, with a token made for it; it ends
    with the block. It runs on this machine, so it is trusted with real people's words. Call this
    before Ray is started: its workers read the token from the environment they inherit.

    Raises:
        EndpointError: The server did not start.
    """
    asked = settings.evaluation
    endpoints = [role for _, role in settings.roles]
    if not any(
        one.base_url == EMBEDDED
        for one in (*endpoints, *asked.panel.judges, *asked.hosted.values())
    ):
        yield settings
        return
    token = os.environ.setdefault(KEY_VARIABLE, secrets.token_urlsafe(24))
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as scratch:
        server = _start(Path(scratch), token)
        try:
            yield _point_at(settings, _address(server, Path(scratch)))
        finally:
            server.terminate()
            try:
                server.wait(timeout=5)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _start(scratch: Path, token: str) -> subprocess.Popen[bytes]:
    with (scratch / "log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - our own module, no shell
            [sys.executable, "-P", "-m", "rehearsal", "understudy", "--port", "0",
             "--announce", str(scratch / "address.json"), "--parent", str(os.getpid())],
            stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, "REHEARSAL_TOKEN": token, "PYTHONPATH": _ours_first()},
        )  # fmt: skip


def _ours_first() -> str:
    """A search path that finds our packages before others of the same name (`agents`, …)."""
    home = str(Path(__file__).resolve().parent.parent)
    return os.pathsep.join(part for part in (home, os.environ.get("PYTHONPATH", "")) if part)


def _address(server: subprocess.Popen[bytes], scratch: Path) -> str:
    """Wait until the server has said where it listens."""
    deadline = time.monotonic() + STARTUP_S
    announced = scratch / "address.json"
    while time.monotonic() < deadline and server.poll() is None:
        if announced.is_file():
            return str(json.loads(announced.read_text())["base_url"])
        time.sleep(0.05)
    said = (scratch / "log").read_text(errors="replace").strip().splitlines()
    raise EndpointError(
        "the understudy did not start",
        where="endpoint.base_url: understudy",
        got=said[-1] if said else f"no word within {STARTUP_S:.0f} s",
        mend='run "rehearsal understudy" by hand to see why',
    )


def _point_at(settings: Settings, base_url: str) -> Settings:
    ours = {"base_url": base_url, "api_key_env": KEY_VARIABLE, "trusted_for_real": True}

    def placed(one: Asked) -> Asked:
        return one.model_copy(update=ours) if one.base_url == EMBEDDED else one

    asked = settings.evaluation
    judges = tuple(placed(judge) for judge in asked.panel.judges)
    evaluation = asked.model_copy(
        update={
            "panel": asked.panel.model_copy(update={"judges": judges}),
            "hosted": {name: placed(model) for name, model in asked.hosted.items()},
        }
    )
    roles = RolesSettings(**{name: placed(role) for name, role in settings.roles})
    return settings.model_copy(update={"roles": roles, "evaluation": evaluation})
