from __future__ import annotations

import os

import pytest

from domain.errors import ConfigError
from domain.settings import EngineSettings
from engine import cluster, pool
from tests.engine.jobs import talk

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("local_ray")]


def refuse() -> None:
    raise ConfigError("refused there", where="x.yaml")


class Counter:
    def __init__(self, start: int) -> None:
        self.value = start

    async def add(self, more: int) -> int:
        self.value += more
        return self.value

    async def die(self) -> None:
        os._exit(1)


def test_a_task_runs_elsewhere_and_returns() -> None:
    handle = cluster.submit(os.getpid)
    assert cluster.wait([handle], timeout_s=60) == [handle]
    assert handle.result() != os.getpid()


def test_an_error_arrives_as_it_was_raised() -> None:
    with pytest.raises(ConfigError, match=r"x\.yaml: refused there"):
        cluster.submit(refuse).result()


def test_an_actor_keeps_its_object() -> None:
    actor = cluster.actor(Counter, 40)
    actor.call("add", 1).result()
    assert actor.call("add", 1).result() == 42
    actor.kill()


def test_a_dead_actor_is_told() -> None:
    actor = cluster.actor(Counter, 0)
    with pytest.raises(cluster.WorkerDiedError):
        actor.call("die").result()


def test_starting_again_changes_nothing() -> None:
    assert cluster.is_started()
    cluster.start(EngineSettings())
    assert cluster.is_started()


def test_workers_are_kept_warm_for_the_next_run() -> None:
    pool.prewarm(EngineSettings(workers=2), talk)
    idle = list(cluster.crew("workers"))
    pool.prewarm(EngineSettings(workers=2), talk)
    assert cluster.crew("workers") == idle
    assert len(idle) >= 2
