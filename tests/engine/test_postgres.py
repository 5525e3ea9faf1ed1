"""The ledger in a real PostgreSQL, which the tests start."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("psycopg", reason='needs the extra "postgres": pip install -e ".[postgres]"')

import psycopg

from domain.errors import ExitCode, ResumeRefusedError, StoreError
from domain.settings import EngineSettings
from engine.ledger import shards
from engine.ledger.ledger import Ledger
from engine.ledger.store import Store
from tests.engine.postgres_server import running
from tests.engine.test_ledger import conversation, row, written
from tests.engine.test_pool import items, recorded, run, start_driver, wait_for_calls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.engine.conftest import Endpoint

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running() as address:
        yield address


def begun(folder: Path, url: str, run_hash: str = "hash") -> int:
    with shards.held(folder, run_hash, url):
        return shards.begin_epoch(folder, run_hash)


async def test_two_workers_write_at_once_and_every_request_is_rebuilt(
    tmp_path: Path, url: str
) -> None:
    epoch = begun(tmp_path, url)
    ledgers = [Ledger(shards.shard_at(tmp_path, epoch, worker), "hash") for worker in (1, 2)]
    plays = [conversation(f"session-{n}", 12) for n in range(20)]
    await asyncio.gather(*(written(ledgers[n % 2], play) for n, play in enumerate(plays)))
    await asyncio.gather(
        *(ledgers[n % 2].finish(f"session-{n}", b"%d" % n, "accepted") for n in range(20))
    )
    for ledger in ledgers:
        ledger.close()
    store = Store(tmp_path)
    for play in plays:
        assert list(store.calls(play[0].key.session)) == play
    assert store.check() == store.totals().calls == 240
    assert store.tallies() == {"accepted": 20}
    assert list(store.iter_results(["session-7", "session-3"])) == [
        ("session-7", b"7"),
        ("session-3", b"3"),
    ]


async def test_runs_share_a_database_and_do_not_mix(tmp_path: Path, url: str) -> None:
    for name in ("one", "two"):
        ledger = Ledger(shards.shard_at(tmp_path / name, begun(tmp_path / name, url), 1), "hash")
        await ledger.record(row("session-1", 0, name.encode()))
        ledger.close()
    for name in ("one", "two"):
        (call,) = Store(tmp_path / name).calls("session-1")
        assert call.request == name.encode()


async def test_a_worker_of_an_older_epoch_is_refused(tmp_path: Path, url: str) -> None:
    begun(tmp_path, url)
    ledger = Ledger(shards.shard_at(tmp_path, 1, 1), "hash")
    await ledger.record(row("session-1", 0, b"{}"))
    assert begun(tmp_path, url) == 2
    with pytest.raises(StoreError, match="newer run"):
        await ledger.record(row("session-1", 1, b"{}"))
    ledger.close()
    with pytest.raises(StoreError, match="newer run"):
        Ledger(shards.shard_at(tmp_path, 1, 2), "hash")
    assert Store(tmp_path).totals().calls == 1
    with pytest.raises(ResumeRefusedError):
        begun(tmp_path, url, "other")


async def test_a_dead_workers_shard_is_sealed_alone(tmp_path: Path, url: str) -> None:
    epoch = begun(tmp_path, url)
    dead, alive = (Ledger(shards.shard_at(tmp_path, epoch, worker), "hash") for worker in (1, 2))
    shards.seal(shards.shard_at(tmp_path, epoch, 1))
    with pytest.raises(StoreError, match="newer run"):
        await dead.record(row("session-1", 0, b"{}"))
    await alive.record(row("session-1", 0, b"{}"))
    dead.close()
    alive.close()


async def test_the_same_call_twice_is_an_error(tmp_path: Path, url: str) -> None:
    ledger = Ledger(shards.shard_at(tmp_path, begun(tmp_path, url), 1), "hash")
    await ledger.record(row("session-1", 0, b"{}"))
    with pytest.raises(StoreError, match="twice"):
        await ledger.record(row("session-1", 0, b"{}"))
    ledger.close()


def test_a_second_resume_is_refused_and_told_who_holds_the_run(tmp_path: Path, url: str) -> None:
    begun(tmp_path, url)
    with shards.held(tmp_path, "hash", url):
        again = "import sys; from pathlib import Path; from engine.ledger import shards\n"
        again += "with shards.held(Path(sys.argv[1]), 'hash', None): pass"
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", again, str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
        )
    assert "another process is writing to this run" in done.stderr
    assert "held by" in done.stderr
    with shards.held(tmp_path, "hash", url):
        pass


def cut_off(url: str) -> None:
    """End our connections as a server does that crashes."""
    query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute(query, ["rehearsal"]).fetchall()


@pytest.mark.parametrize("dies", ["driver", "database"])
def test_what_is_killed_is_resumed_to_the_bytes_of_sqlite(
    tmp_path: Path, endpoint: Endpoint, repository: Path, url: str, dies: str
) -> None:
    engine = EngineSettings(kind="inline", sessions_in_flight=8, store=url)
    endpoint.latency_s = 0.02
    driver = start_driver(tmp_path / "killed", endpoint, repository, engine)
    wait_for_calls(endpoint, 30, driver)
    if dies == "driver":
        driver.kill()
    else:
        cut_off(url)
    ended = driver.wait()
    assert ended == (-signal.SIGKILL if dies == "driver" else ExitCode.FAILED)
    kept = recorded(tmp_path / "killed")
    before = len(endpoint.keys)
    _, results = run(tmp_path / "killed", endpoint, engine=engine)
    assert kept
    assert not kept & set(endpoint.keys[before:])
    assert results == run(tmp_path / "files", endpoint)[1]
    order = [name for name, _ in items(12)]
    in_database = list(Store(tmp_path / "killed").iter_results(order))
    assert in_database == list(Store(tmp_path / "files").iter_results(order))
    assert not list((tmp_path / "killed").glob("*.sqlite"))


def connections(url: str, wanted: list[str]) -> list[str]:
    """What our own connections are about; whoever hangs up is gone from the list a little later."""
    query = "SELECT state FROM pg_stat_activity WHERE application_name = 'rehearsal' ORDER BY state"
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(200):
            found = [state for (state,) in connection.execute(query).fetchall()]
            if found == wanted:
                break
            time.sleep(0.05)
    return found


async def test_many_shards_are_read_over_one_connection(tmp_path: Path, url: str) -> None:
    epoch = begun(tmp_path, url)
    plays = []
    for worker in range(1, 11):
        ledger = Ledger(shards.shard_at(tmp_path, epoch, worker), "hash")
        plays.append(conversation(f"session-{worker}", 2))
        await written(ledger, plays[-1])
        ledger.close()
    sealed = shards.list_sealed(tmp_path, begun(tmp_path, url))
    resumed = [
        Ledger(shards.shard_at(tmp_path, epoch + 1, worker), "hash", sealed) for worker in (1, 2)
    ]
    for one in [one for play in plays for one in play]:
        assert [ledger.recall(one.key, one.request_hash) for ledger in resumed] == [one.result] * 2
    two_each = ["idle"] * 4
    assert connections(url, two_each) == two_each, "one to write over and one to recall over"
    calls = Store(tmp_path).iter_calls([f"session-{worker}" for worker in range(1, 11)])
    assert next(calls) == ("session-1", tuple(plays[0]))
    one_more = [*two_each, "idle in transaction"]
    assert connections(url, one_more) == one_more
    assert len(list(calls)) == 9
    for ledger in resumed:
        ledger.close()
    assert connections(url, []) == []


async def test_a_dead_workers_shard_is_recalled_from_and_a_living_ones_is_not(
    tmp_path: Path, url: str
) -> None:
    epoch = begun(tmp_path, url)
    ledgers = [Ledger(shards.shard_at(tmp_path, epoch, worker), "hash") for worker in (1, 2)]
    shards.seal(shards.shard_at(tmp_path, epoch, 1))
    assert shards.list_sealed(tmp_path, epoch) == [shards.shard_at(tmp_path, epoch, 1)]
    for ledger in ledgers:
        ledger.close()


def test_a_shard_that_is_refused_hangs_up(tmp_path: Path, url: str) -> None:
    begun(tmp_path, url)
    begun(tmp_path, url)
    with pytest.raises(StoreError, match="newer run") as caught:
        Ledger(shards.shard_at(tmp_path, 1, 1), "hash")
    assert connections(url, []) == [], str(caught.value)


def test_a_database_that_takes_no_more_connections_is_told(tmp_path: Path, url: str) -> None:
    begun(tmp_path, url)
    with ExitStack() as held:
        with suppress(psycopg.OperationalError):
            while True:
                held.enter_context(psycopg.connect(url))
        with pytest.raises(StoreError, match="takes no more connections") as caught:
            Store(tmp_path).totals()
    assert "max_connections" in caught.value.mend
    assert "password" not in str(caught.value)


def test_an_address_that_nobody_answers_at_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="the database cannot be used"):
        begun(tmp_path, "postgresql://nobody@127.0.0.1:9/none")


def test_a_wrong_password_is_told(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "wrong")
    with pytest.raises(StoreError, match="PGPASSWORD"):
        begun(tmp_path, url)
