"""Our own server of the models under test, in a process of its own, on loopback."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import EvaluationError
from evaluation.candidates.key import KEY_ENV, candidate_key
from evaluation.candidates.process import Process, start

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evaluation.candidates.models import Group

STARTUP_S = 600.0
"""Loading a large base takes minutes; a server that dies is noticed at once."""
_BETWEEN_S = 0.05


class BuiltinServer:
    """Our server on its way up; `base_url` waits for it."""

    def __init__(self, process: Process, announce: Path, startup_s: float = STARTUP_S) -> None:
        self._process = process
        self._announce = announce
        self._startup_s = startup_s

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.running.pid

    def base_url(self) -> str:
        """Wait until the server has said where it listens.

        Raises:
            EvaluationError: It ended, or said nothing for too long.
        """
        deadline = time.monotonic() + self._startup_s
        while time.monotonic() < deadline and not self._announce.is_file():
            if self._process.ended and not self._announce.is_file():
                break
            time.sleep(_BETWEEN_S)
        if not self._announce.is_file():
            raise self._died()
        said = json.loads(self._announce.read_text(encoding="utf-8"))
        if "error" in said:
            detail = {key: said[key] for key in ("where", "expected", "got", "mend") if key in said}
            raise EvaluationError(said["error"], **detail)
        return str(said["base_url"])

    def stop(self) -> None:
        """End this process, and no other."""
        self._process.stop()

    def _died(self) -> EvaluationError:
        return EvaluationError(
            "the server of the models under test did not start",
            where=str(self._process.log),
            expected="a server that announces its address",
            got=self._process.last_words() or f"no word within {self._startup_s:.0f} s",
            mend="Read the log; the base may be too large for this machine's memory.",
        )


def command_of(
    name: str,
    base: Path | str,
    adapters: Mapping[str, Path],
    announce: Path | str,
    options: Sequence[str] = (),
) -> list[str]:
    """Return the words of the command line; `options` come last, so they win."""
    command = [
        sys.executable, "-P", "-m", "evaluation.serving", "--base", str(base), "--name", name,
        "--announce", str(announce), "--drop-oldest", "--watch-stdin", "--token-env", KEY_ENV,
    ]  # fmt: skip
    for adapter, path in adapters.items():
        command += ["--adapter", f"{adapter}={path}"]
    if not (Path(base).is_dir() or Path(base).is_absolute()):
        command.append("--allow-hub")
    return [*command, *options]


@contextmanager
def serving(
    group: Group, log: Path, *, options: Sequence[str] = (), startup_s: float = STARTUP_S
) -> Iterator[BuiltinServer]:
    """Start a server for a group of models; it ends with the block, or with this process.

    Within the block the token that it asks for stands in this process's environment as `KEY_ENV`.

    Args:
        group: A whole model and its adapters. A base that is no folder may be fetched from a hub.
        log: Where the server writes; appended to.
        options: More words of its command line.
        startup_s: How long it may load.
    """
    with tempfile.TemporaryDirectory(prefix="rehearsal-serving-") as scratch, candidate_key():
        announce = Path(scratch) / "address.json"
        command = command_of(group.name, group.base, group.adapters, announce, options)
        process = start(command, log, {"TOKENIZERS_PARALLELISM": "false"})
        server = BuiltinServer(process, announce, startup_s)
        try:
            yield server
        finally:
            server.stop()
