"""A worker that outlives its driver cannot write into the run that goes on without it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from domain.settings import EngineSettings
from engine.ledger.shards import begin_epoch
from engine.ledger.store import Store
from tests.engine.conftest import Endpoint
from tests.support.threaded import ThreadedServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ITEMS, CALLS = 12, 60
ENGINE = EngineSettings(kind="ray", workers=2, sessions_in_flight=8)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint()
    server.latency_s = 0.02
    with ThreadedServer(server.app()) as running:
        server.url = f"{running.url}/"
        yield server


def recorded(folder: Path) -> set[str]:
    store = Store(folder)
    return {str(call.key) for session in store.sessions() for call in store.calls(session)}


@pytest.mark.ray
@pytest.mark.slow
def test_an_outlived_worker_writes_nothing_more(
    tmp_path: Path, endpoint: Endpoint, repository: Path
) -> None:
    folder = tmp_path / "ledger"
    payload = json.dumps({"calls": CALLS, "url": endpoint.url})
    driver = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "tests.engine.drive", str(folder), payload,
         ENGINE.model_dump_json(), str(ITEMS)],
        cwd=repository,
    )  # fmt: skip
    while len(endpoint.keys) < 60:
        assert driver.poll() is None, "the driver ended too early"
        time.sleep(0.01)
    workers = [
        one
        for one in psutil.Process(driver.pid).children(recursive=True)
        if any(file.path.startswith(str(folder)) for file in one.open_files())
    ]
    driver.send_signal(signal.SIGKILL)
    epoch = begin_epoch(folder, "hash")
    asked = len(endpoint.keys)
    sealed = recorded(folder)
    assert epoch == 2
    assert sealed
    assert any(one.is_running() for one in workers), "nothing outlived the driver"
    driver.wait()
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert not alive
    assert recorded(folder) == sealed
    answered_late = set(endpoint.keys[asked:])
    assert not answered_late & sealed
