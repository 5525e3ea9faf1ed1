"""A PostgreSQL of our own: a fresh cluster on a free port, gone after the tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUIRED = "REQUIRE_POSTGRES"
PASSWORD = "of-the-tests"


def binaries() -> Path | None:
    """Return the newest folder with `initdb`; Debian keeps it out of the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: one.parts[-3])
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def running() -> Iterator[str]:
    """Yield the URL of a new database, without its password, which is in PGPASSWORD."""
    folder = binaries()
    if folder is None:
        said = "PostgreSQL is not installed: apt-get install postgresql"
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(said)
        pytest.skip(said)
    root = Path(tempfile.mkdtemp(prefix="rehearsal-pg-"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (root / "password").write_text(PASSWORD)
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        for path in (root, root / "password"):
            shutil.chown(path, "postgres")

    def run(*command: str) -> None:
        user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        done = subprocess.run([*user, *command], capture_output=True, text=True, check=False)  # noqa: S603
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"

    data, control = str(root / "data"), str(folder / "pg_ctl")
    safety = ["-A", "scram-sha-256", "--pwfile", str(root / "password"), "-U", "rehearsal"]
    run(str(folder / "initdb"), "-D", data, "--no-sync", "-E", "UTF8", "--locale=C", *safety)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {root} -c fsync=off"
    run(control, "start", "-w", "-D", data, "-l", str(root / "log"), "-o", options)
    before = os.environ.get("PGPASSWORD")
    os.environ["PGPASSWORD"] = PASSWORD
    try:
        yield f"postgresql://rehearsal@127.0.0.1:{port}/postgres"
    finally:
        run(control, "stop", "-D", data, "-m", "immediate")
        os.environ.pop("PGPASSWORD")
        if before is not None:
            os.environ["PGPASSWORD"] = before
        shutil.rmtree(root)
