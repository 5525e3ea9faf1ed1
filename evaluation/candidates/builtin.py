"""The models under test as endpoints: our own server, in a process of its own, on loopback."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import EvaluationError
from domain.settings import RoleSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from domain.settings import EvaluationSettings

KEY_ENV = "REHEARSAL_CANDIDATE_KEY"
"""Variable with the server's token: made anew for each, and never written anywhere."""
STARTUP_S = 600.0
"""Loading a large base takes minutes; a server that dies is noticed at once."""
STOP_S = 10.0
ANSWER_S = 3600.0
"""Requests queue in the server, so the last of a large evaluation may wait long."""


@dataclass
class CandidateServer:
    """A server on its way up; `base_url` waits for it."""

    process: subprocess.Popen[bytes]
    announce: Path
    log: Path

    def base_url(self) -> str:
        """Wait until the server has said where it listens.

        Raises:
            EvaluationError: It ended, or said nothing for too long.
        """
        deadline = time.monotonic() + STARTUP_S
        while time.monotonic() < deadline and not self.announce.is_file():
            if self.process.poll() is not None and not self.announce.is_file():
                break
            time.sleep(0.05)
        if not self.announce.is_file():
            raise self._died()
        said = json.loads(self.announce.read_text(encoding="utf-8"))
        if "error" in said:
            detail = {key: said[key] for key in ("where", "expected", "got", "mend") if key in said}
            raise EvaluationError(said["error"], **detail)
        return str(said["base_url"])

    def stop(self) -> None:
        """End this process, and no other."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.terminate()
        try:
            self.process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _died(self) -> EvaluationError:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return EvaluationError(
            "the server of the models under test did not start",
            where=str(self.log),
            expected="a server that announces its address",
            got=lines[-1] if lines else f"no word within {STARTUP_S:.0f} s",
            mend="Read the log; the base may be too large for this machine's memory.",
        )


@contextmanager
def serving(
    base: Path | str, adapters: Mapping[str, Path], log: Path, *, allow_hub: bool = False
) -> Iterator[CandidateServer]:
    """Start a server for a base and its adapters; it ends with the block, or with this process.

    It asks for a token, because others on this machine can reach loopback too. Within the block the
    token stands in this process's environment as `KEY_ENV`.

    Args:
        base: A folder, or a hub id.
        adapters: PEFT folders by variant.
        log: Where the server writes; appended to.
        allow_hub: Whether the base may be fetched from a hub.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rehearsal-serving-") as scratch:
        announce = Path(scratch) / "address.json"
        command = [
            sys.executable, "-P", "-m", "evaluation.serving", "--base", str(base),
            "--announce", str(announce), "--drop-oldest", "--watch-stdin", "--token-env", KEY_ENV,
        ]  # fmt: skip
        for name, path in adapters.items():
            command += ["--adapter", f"{name}={path}"]
        if allow_hub:
            command.append("--allow-hub")
        with _a_token(), log.open("ab") as stream:
            process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                command,
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env={**os.environ, "TOKENIZERS_PARALLELISM": "false"},
                start_new_session=True,
            )
            server = CandidateServer(process, announce, log)
            try:
                yield server
            finally:
                server.stop()


@contextmanager
def _a_token() -> Iterator[None]:
    """Set a new token in the environment, and put back what was there."""
    before = os.environ.get(KEY_ENV)
    os.environ[KEY_ENV] = secrets.token_urlsafe()
    try:
        yield
    finally:
        del os.environ[KEY_ENV]
        if before is not None:
            os.environ[KEY_ENV] = before


def candidate_role(base_url: str, variant: str, settings: EvaluationSettings) -> RoleSettings:
    """Return how a variant is asked.

    It is trusted with real people's words because it is ours and on loopback. An answer is asked
    for once: the same seed would give the same answer again.
    """
    return RoleSettings(
        base_url=base_url,
        api_key_env=KEY_ENV,
        trusted_for_real=True,
        concurrency=256,
        timeout_s=ANSWER_S,
        retries=0,
        model=variant,
        temperature=settings.temperature,
        max_tokens=settings.max_new_tokens,
    )
