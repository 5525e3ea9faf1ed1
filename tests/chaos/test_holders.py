"""One process at a run: the second is refused by the command line, a dead one keeps nothing."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from domain.errors import ExitCode
from domain.runfolder import RunFolder
from engine.lock import RunLock

if TYPE_CHECKING:
    from pathlib import Path

REFUSED_WITHOUT = "langchain_openai"
"""What takes a process seconds to import; a second holder is told long before."""


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path / "run")
    run.root.mkdir()
    run.config.write_text(yaml.safe_dump({"name": "held"}))
    return run


def resume(folder: RunFolder, repository: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    ended = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-X", "importtime", "-m", "rehearsal", "campaign", "resume",
         str(folder.root), "--json", *options],
        cwd=repository, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return ended.returncode, json.loads(ended.stdout)["error"], ended.stderr


def test_a_second_resume_is_told_who_holds_the_run(folder: RunFolder, repository: Path) -> None:
    before = folder.config.read_bytes()
    with RunLock(folder.lock):
        code, error, imported = resume(folder, repository, "--budget", "7calls")
    assert code == ExitCode.FAILED
    assert f"process {os.getpid()} on {socket.gethostname()} since 20" in error["got"]
    assert REFUSED_WITHOUT not in imported
    assert folder.config.read_bytes() == before


def test_the_lock_of_a_dead_holder_is_taken_over(folder: RunFolder, repository: Path) -> None:
    hold = (
        "import sys,os\nfrom pathlib import Path\nfrom engine.lock import RunLock\n"
        "RunLock(Path(sys.argv[1])).__enter__()\nos.kill(os.getpid(), 9)"
    )
    died = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", hold, str(folder.lock)], cwd=repository, check=False
    )
    assert died.returncode == -9
    code, error, _ = resume(folder, repository)
    assert code == ExitCode.USAGE
    assert error["what"] == "there is no campaign to resume"
