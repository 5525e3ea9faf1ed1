from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from domain.errors import StoreError
from engine.lock import RunLock, holder_of

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys, time
from pathlib import Path
from engine.lock import RunLock
with RunLock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_holder_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with RunLock(path):
        assert f"process {os.getpid()}" in (holder_of(path) or "")
        with pytest.raises(StoreError, match=f"process {os.getpid()}"), RunLock(path):
            pass
    assert holder_of(path) is None


def test_a_dead_holder_keeps_nothing(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    holder = subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert f"process {holder.pid}" in (holder_of(path) or "")
    holder.kill()
    holder.wait()
    holder.stdout.close()
    with RunLock(path):
        assert f"process {os.getpid()}" in (holder_of(path) or "")
