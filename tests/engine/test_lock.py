from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from domain.errors import StoreError
from engine.lock import RunLock, holder_of, refuse_if_held

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


def test_who_only_asks_for_the_holder_keeps_nobody_out(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    path.touch()
    with path.open() as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        asked = threading.Timer(0.03, fcntl.flock, (asking, fcntl.LOCK_UN))
        asked.start()
        with RunLock(path):
            assert holder_of(path)
        asked.join()


def test_a_held_run_is_refused_before_anything_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    refuse_if_held(path)
    with RunLock(path), pytest.raises(StoreError, match=f"process {os.getpid()} on .* since 20"):
        refuse_if_held(path)


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
