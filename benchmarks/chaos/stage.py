"""What every kill needs: the endpoint, run files, run folders, and what a run holds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from domain.runfolder import RunFolder
from engine.ledger.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from understudy.faults import FaultSettings

ROOT = Path(__file__).resolve().parents[2]
_STARTUP_S = 60.0
_POSTGRES = 5432


@dataclass(frozen=True)
class Size:
    """How large a campaign is played."""

    sessions: int
    exchanges: int
    in_flight: int
    """Sessions played at the same time by one worker."""
    workers: int = 1


@dataclass
class Trial:
    """One run that is going to be killed, several times perhaps."""

    name: str
    config: Path
    folder: RunFolder
    url: str
    """Address of the run at the endpoint; each life has its own under it."""
    account: Path
    life: int = 0
    """Counts the processes that have played the run, from 1."""

    @property
    def address(self) -> str:
        """Where the present life finds its models."""
        return f"{self.url}/{self.life}"

    def environment(self) -> dict[str, str]:
        """Begin a new life: the environment that tells it its address."""
        self.life += 1
        return {**environment(), "REHEARSAL_ENDPOINT__BASE_URL": f"{self.address}/v1"}

    def arm(self, **shot: object) -> None:
        """Tell the endpoint when to kill whom; see `endpoint.Shot`."""
        _post(f"{self.address}/arm", shot)

    def settle(self) -> None:
        """Wait until the endpoint has answered what the dead had asked."""
        _post(f"{self.address}/settle", {})

    @property
    def begun(self) -> bool:
        """Whether there is something to resume."""
        return (self.folder.root / "campaign.json").is_file()

    def arguments(self) -> list[str]:
        """The command line that begins the campaign, or goes on with it."""
        if self.begun:
            return ["campaign", "resume", str(self.folder.root), "--json"]
        return ["campaign", "run", str(self.config), "--run", str(self.folder.root), "--json"]

    def results(self) -> dict[str, bytes]:
        """Read what is acknowledged from a copy: reading must not mend what a resume will meet."""
        with self._copied() as store:
            return store.results()

    def results_in_place(self) -> dict[str, bytes]:
        """Read what is acknowledged while somebody may still be writing."""
        return Store(self.folder.ledger).results()

    def recorded(self) -> set[str]:
        """Return the keys of the calls that the ledger holds; from a copy as well."""
        with self._copied() as store:
            return {str(call.key) for one in store.sessions() for call in store.calls(one)}

    @contextmanager
    def _copied(self) -> Iterator[Store]:
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch) / "ledger"
            if self.folder.ledger.is_dir():
                shutil.copytree(self.folder.ledger, copy)
            yield Store(copy)

    def export(self) -> bytes | None:
        """The sessions and the records made of them; None until the campaign has ended."""
        files = (self.folder.sessions, self.folder.synthetic)
        if not all(path.is_file() for path in files):
            return None
        return b"\0".join(path.read_bytes() for path in files)


class Stage:
    """A folder with a running endpoint; runs are made in it.

    Args:
        folder: Where everything is kept that is no ledger in a database.
        faults: What the endpoint does.
        store: Address of the database for the runs' ledgers; None for files.
    """

    def __init__(self, folder: Path, faults: FaultSettings, store: str | None = None) -> None:
        self.folder = folder
        self._faults = faults
        self._store = {} if store is None else {"store": store}
        self.database_port = None if store is None else urlsplit(store).port or _POSTGRES
        self._made = 0
        self.url = ""

    @contextmanager
    def open(self) -> Iterator[Stage]:
        """Run the endpoint's process for as long as the block lasts."""
        self.folder.mkdir(parents=True, exist_ok=True)
        announce = self.folder / "address"
        announce.unlink(missing_ok=True)
        log = (self.folder / "endpoint.log").open("wb")
        server = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "benchmarks.chaos.endpoint", str(self.folder), str(announce),
             self._faults.model_dump_json()],
            cwd=ROOT, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            self.url = _announced(announce, server)
            yield self
        finally:
            server.terminate()
            server.wait()
            log.close()

    def trial(
        self, named: str, size: Size, endpoint: dict[str, object] | None = None, **engine: object
    ) -> Trial:
        """Make a run of its own name: its files, and its address at the endpoint."""
        self._made += 1
        name = f"{named}-{self._made:03d}"
        config = self.folder / f"{name}.yaml"
        config.write_text(
            yaml.safe_dump(_run_file(size, endpoint or {}, {**self._store, **engine}))
        )
        return Trial(
            name=name,
            config=config,
            folder=RunFolder(self.folder / name),
            url=f"{self.url}/{name}",
            account=self.folder / f"{name}.jsonl",
        )


def _run_file(size: Size, endpoint: dict[str, object], engine: dict[str, object]) -> dict[str, Any]:
    """The same campaign whatever the run is called: exports must be equal byte for byte."""
    return {
        "name": "chaos",
        "seed": 11,
        "endpoint": {"concurrency": 64, "timeout_s": 20, "retries": 4, **endpoint},
        "engine": {
            "kind": "inline",
            "workers": size.workers,
            "sessions_in_flight": size.in_flight,
            **engine,
        },
        "campaign": {"sessions": size.sessions, "exchanges": size.exchanges, "revisions": 1},
    }


def _announced(announce: Path, server: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + _STARTUP_S
    while not announce.is_file():
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the endpoint did not start: see {announce.parent}/endpoint.log")
        time.sleep(0.02)
    return announce.read_text()


def _post(url: str, what: dict[str, object]) -> None:
    request = urllib.request.Request(  # noqa: S310 - our own loopback server
        url, data=json.dumps(what).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310 - as above
        answer.read()


def environment() -> dict[str, str]:
    """The environment of a run: ours, without what would point it elsewhere."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("REHEARSAL_")}
    own.pop("OPENAI_BASE_URL", None)
    return {**own, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(ROOT)}
