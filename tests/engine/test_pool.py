from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from domain.errors import (
    BudgetReachedError,
    ExitCode,
    InterruptedRunError,
    RehearsalError,
    ResumeRefusedError,
)
from domain.progress import silent
from domain.settings import BudgetSettings, EngineSettings
from engine import cluster
from engine.ledger.store import Store
from engine.pool import PoolSummary, run_all
from engine.signals import Interrupts
from tests.engine.jobs import talk

if TYPE_CHECKING:
    from pathlib import Path

    from domain.progress import Progress
    from tests.engine.conftest import Endpoint

INLINE = EngineSettings(kind="inline", sessions_in_flight=8)
RAY = EngineSettings(kind="ray", workers=2, sessions_in_flight=8)


def items(count: int) -> list[tuple[str, bytes]]:
    return [(f"session-{n}", f"session-{n}".encode()) for n in range(count)]


def run(
    folder: Path,
    endpoint: Endpoint,
    count: int = 12,
    engine: EngineSettings = INLINE,
    budget: BudgetSettings = BudgetSettings(),  # noqa: B008 - frozen
    run_hash: str = "hash",
    **options: str,
) -> tuple[PoolSummary, dict[str, bytes]]:
    results: dict[str, bytes] = {}
    payload = json.dumps({"calls": 6, "url": endpoint.url, **options}).encode()
    summary = run_all(
        talk,
        payload,
        items(count),
        folder,
        engine,
        budget,
        run_hash,
        silent,
        results.__setitem__,
    )
    return summary, results


def asked_once(endpoint: Endpoint) -> bool:
    return len(endpoint.keys) == len(set(endpoint.keys))


def test_every_item_gets_its_result(tmp_path: Path, endpoint: Endpoint) -> None:
    summary, results = run(tmp_path, endpoint)
    assert summary == PoolSummary(items=12, finished_before=0, finished=12)
    assert Store(tmp_path).results() == results
    assert len(endpoint.keys) == 12 * 6


def test_a_finished_item_never_runs_again(tmp_path: Path, endpoint: Endpoint) -> None:
    _, first = run(tmp_path, endpoint)
    summary, second = run(tmp_path, endpoint)
    assert (summary.finished_before, summary.finished) == (12, 0)
    assert second == first
    assert len(endpoint.keys) == 12 * 6


def test_other_prompts_or_config_are_refused(tmp_path: Path, endpoint: Endpoint) -> None:
    run(tmp_path, endpoint, 1)
    with pytest.raises(ResumeRefusedError):
        run(tmp_path, endpoint, 1, run_hash="other")


def test_the_deadline_is_one_for_all_rounds(tmp_path: Path, endpoint: Endpoint) -> None:
    with pytest.raises(BudgetReachedError, match="deadline"):
        _play(tmp_path, endpoint, budget=BudgetSettings(deadline_s=3600), passed_s=3601)
    assert not endpoint.keys
    summary = _play(tmp_path, endpoint, budget=BudgetSettings(deadline_s=3600), passed_s=1800)
    assert (summary.finished, summary.interrupted) == (2, False)


def test_ctrl_c_while_the_last_items_end_is_told(tmp_path: Path, endpoint: Endpoint) -> None:
    """There is nothing left to stop: whoever would begin another round is to know."""

    def interrupt(stage: str, done: int, total: int, note: str = "") -> None:
        if done == 1:
            signal.raise_signal(signal.SIGINT)

    summary = _play(tmp_path, endpoint, progress=interrupt)
    assert (summary.finished, summary.interrupted) == (2, True)


def _play(
    folder: Path,
    endpoint: Endpoint,
    budget: BudgetSettings = BudgetSettings(),  # noqa: B008 - frozen
    progress: Progress = silent,
    passed_s: float = 0.0,
) -> PoolSummary:
    """Play two items of one call each."""
    payload = json.dumps({"calls": 1, "url": endpoint.url}).encode()
    return run_all(
        talk, payload, items(2), folder, INLINE, budget, "hash", progress, passed_s=passed_s
    )


def test_a_request_to_cancel_that_nobody_saw_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel = tmp_path / "cancel"
    with Interrupts(cancel=cancel) as seen:
        cancel.touch()
        while not seen.count:
            time.sleep(0.01)
    assert not cancel.exists()
    monkeypatch.setattr("engine.signals._LOOK_S", 60)
    with Interrupts(cancel=cancel) as late:
        cancel.touch()
    assert late.count == 0
    assert cancel.exists()


def test_the_budget_is_never_exceeded_and_a_new_one_resumes(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    with pytest.raises(BudgetReachedError):
        run(tmp_path, endpoint, budget=BudgetSettings(calls=40))
    assert len(endpoint.keys) == 40
    with pytest.raises(BudgetReachedError):
        run(tmp_path, endpoint, budget=BudgetSettings(calls=40))
    run(tmp_path, endpoint)
    assert len(endpoint.keys) == 12 * 6
    assert asked_once(endpoint)


def test_an_unexpected_error_names_its_item_and_can_be_resumed(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    with pytest.raises(RehearsalError, match="item session-3: an unexpected KeyError"):
        run(tmp_path, endpoint, bad="session-3")
    run(tmp_path, endpoint)
    assert asked_once(endpoint)


def start_driver(
    folder: Path, endpoint: Endpoint, repository: Path, engine: EngineSettings
) -> subprocess.Popen[bytes]:
    payload = json.dumps({"calls": 6, "url": endpoint.url})
    arguments = [str(folder), payload, engine.model_dump_json(), "12"]
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "tests.engine.drive", *arguments], cwd=repository
    )


def wait_for_calls(endpoint: Endpoint, calls: int, driver: subprocess.Popen[bytes]) -> None:
    while len(endpoint.keys) < calls:
        assert driver.poll() is None, "the driver ended too early"
        time.sleep(0.01)


def recorded(folder: Path) -> set[str]:
    store = Store(folder)
    return {str(call.key) for session in store.sessions() for call in store.calls(session)}


def test_a_killed_driver_is_resumed_to_the_same_bytes(
    tmp_path: Path, endpoint: Endpoint, repository: Path
) -> None:
    endpoint.latency_s = 0.02
    driver = start_driver(tmp_path / "killed", endpoint, repository, INLINE)
    wait_for_calls(endpoint, 30, driver)
    driver.kill()
    driver.wait()
    kept = recorded(tmp_path / "killed")
    before = len(endpoint.keys)
    _, results = run(tmp_path / "killed", endpoint)
    assert kept
    assert not kept & set(endpoint.keys[before:])
    endpoint.keys.clear()
    assert results == run(tmp_path / "whole", endpoint)[1]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_whoever_is_asked_to_stop_drains_and_can_be_resumed(
    tmp_path: Path, endpoint: Endpoint, repository: Path, how: signal.Signals
) -> None:
    endpoint.latency_s = 0.05
    driver = start_driver(tmp_path, endpoint, repository, INLINE)
    wait_for_calls(endpoint, 20, driver)
    driver.send_signal(how)
    assert driver.wait() == ExitCode.INTERRUPTED
    assert recorded(tmp_path) == set(endpoint.keys)
    run(tmp_path, endpoint)
    assert asked_once(endpoint)


@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
def test_ray_workers_give_the_same_results(tmp_path: Path, endpoint: Endpoint) -> None:
    _, inline = run(tmp_path / "inline", endpoint, 40)
    summary, results = run(tmp_path / "ray", endpoint, 40, engine=RAY)
    assert results == inline
    assert summary.finished == 40
    assert {shard.name for shard in (tmp_path / "ray").glob("*.sqlite")} == {
        "e001-w0.sqlite",
        "e001-w1.sqlite",
        "e001-w2.sqlite",
    }


@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
def test_a_dead_workers_items_go_to_a_new_one(tmp_path: Path, endpoint: Endpoint) -> None:
    died = tmp_path / "died"
    endpoint.latency_s = 0.01
    summary, results = run(
        tmp_path / "ledger", endpoint, 20, engine=RAY, deadly="session-7", died=str(died)
    )
    assert summary.restarts == 1
    assert len(results) == 20
    assert died.exists()
    asked = Counter(endpoint.keys)
    twice = Counter(key.partition("/")[0] for key in asked if asked[key] > 1)
    assert twice.keys() < results.keys(), "only what the dead worker had in flight is asked again"
    assert set(twice.values()) <= {1}
    assert max(asked.values()) <= 2


@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
def test_what_a_dead_worker_had_finished_is_not_played_again(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    """It had recorded the result, and died before it could say so."""
    died, whole = str(tmp_path / "died"), run(tmp_path / "whole", endpoint, 20)[1]
    endpoint.keys.clear()
    summary, results = run(
        tmp_path / "ledger", endpoint, 20, engine=RAY, deadly_end="session-7", died=died
    )
    assert (summary.restarts, summary.finished) == (1, 20)
    assert results == whole
    asked = Counter(key for key in endpoint.keys if key.startswith("session-7/"))
    assert set(asked.values()) == {1}


@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
def test_the_budget_holds_over_workers(tmp_path: Path, endpoint: Endpoint) -> None:
    with pytest.raises(BudgetReachedError):
        run(tmp_path, endpoint, engine=RAY, budget=BudgetSettings(calls=31))
    assert len(endpoint.keys) == 31


@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
def test_an_error_in_a_worker_names_its_item(tmp_path: Path, endpoint: Endpoint) -> None:
    with pytest.raises(RehearsalError, match="item session-3: an unexpected KeyError"):
        run(tmp_path, endpoint, engine=RAY, bad="session-3")


class Pressed(bytes):
    """What is sent to a worker while somebody presses Ctrl-C."""

    def __reduce__(self) -> tuple[type[bytes], tuple[bytes]]:
        signal.raise_signal(signal.SIGINT)
        return bytes, (bytes(self),)


@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
@pytest.mark.parametrize("sent", ["plan", "items"])
def test_ctrl_c_while_workers_start_is_not_lost(
    tmp_path: Path, endpoint: Endpoint, sent: str
) -> None:
    """Nobody has opened when it comes: before anything is handed out, and after."""
    cluster.crew("workers").clear()
    endpoint.latency_s = 0.5  # six times a session: the drain comes in time, or is lost
    payload = json.dumps({"calls": 6, "url": endpoint.url}).encode()
    todo = items(4)
    if sent == "plan":
        payload = Pressed(payload)
    else:
        todo[0] = todo[0][0], Pressed(todo[0][1])
    engine = EngineSettings(kind="ray", workers=1, sessions_in_flight=4)
    with pytest.raises(InterruptedRunError):
        run_all(talk, payload, todo, tmp_path, engine, BudgetSettings(), "hash", silent)
    assert not Store(tmp_path).finished()
    endpoint.latency_s = 0.0
    summary, _ = run(tmp_path, endpoint, 4, engine=engine)
    assert (summary.finished_before, summary.finished) == (0, 4)
    assert asked_once(endpoint)


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_ray_driver_that_is_stopped_is_resumed(
    tmp_path: Path, endpoint: Endpoint, repository: Path, how: signal.Signals
) -> None:
    endpoint.latency_s = 0.1
    driver = start_driver(tmp_path / "killed", endpoint, repository, RAY)
    wait_for_calls(endpoint, 30, driver)
    os.kill(driver.pid, how)
    assert driver.wait() == (ExitCode.INTERRUPTED if how == signal.SIGINT else -how)
    kept = recorded(tmp_path / "killed")
    before = len(endpoint.keys)
    _, results = run(tmp_path / "killed", endpoint)
    assert not kept & set(endpoint.keys[before:])
    assert results == run(tmp_path / "whole", endpoint)[1]
