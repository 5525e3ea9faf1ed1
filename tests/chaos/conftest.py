"""The kill harness as a command, and what it reports."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def harness(repository: Path) -> Callable[..., dict[str, Any]]:
    """Run the harness in a process of its own: it forks, which one with threads must not."""

    def run(*modes: str, kills: int, seed: int = 1) -> dict[str, Any]:
        command = [sys.executable, "-m", "benchmarks.chaos", "--json", "--modes", ",".join(modes)]
        ended = subprocess.run(  # noqa: S603 - our own module
            [*command, "--kills", str(kills), "--seed", str(seed)],
            cwd=repository, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ended.stdout, ended.stderr[-2000:]
        report: dict[str, Any] = json.loads(ended.stdout)
        assert ended.returncode == (0 if report["held"] else 1)
        return report

    return run
