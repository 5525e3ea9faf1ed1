"""One writer per run: a lock that names its holder and that a dead holder does not keep."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Self

from domain.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_TRIES = 5
_BETWEEN_S = 0.02


class RunLock:
    """Held while a process writes to a run; a context manager.

    The kernel holds it (flock), so it ends with the process, however that dies. The file stays
    and says who held it last. On network file systems without flock it guards one machine only.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None
        self._made_folder = False

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            StoreError: Another process holds it, or the file cannot be opened.
        """
        self._made_folder = not self.path.parent.exists()
        file = _open(self.path)
        while not _is_at(file, self.path):  # who held it has removed it, see `undo`
            file.close()
            file = _open(self.path)
        with suppress(OSError):  # on a full disk: the lock is held all the same
            file.truncate(0)
            os.write(file.fileno(), json.dumps(_me()).encode())
        self._file = file
        return self

    def undo(self) -> None:
        """Remove what taking the lock has made, for a run that has not begun; keeps all else."""
        if self._made_folder:
            self.path.unlink(missing_ok=True)
            with suppress(OSError):  # something else is in it
                self.path.parent.rmdir()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Free the lock."""
        if self._file is not None:
            self._file.close()
            self._file = None


def holder_of(path: Path) -> str | None:
    """Say who holds the lock now, e.g. `process 4711 on host since …`; None when it is free."""
    if not path.is_file():
        return None
    with path.open(encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _said(file)
    return None


def _is_at(file: IO[str], path: Path) -> bool:
    """Lock the file; return whether it is still the one at `path`.

    Raises:
        StoreError: Another process holds it.
    """
    if not _taken(file):
        holder = _said(file)
        file.close()
        raise _held(path, holder)
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _taken(file: IO[str]) -> bool:
    """Try for the lock, more than once: whoever asks for the holder has it for an instant."""
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_BETWEEN_S)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return True
    return False


def refuse_if_held(path: Path) -> None:
    """Look before anything costly is begun or changed; who goes on takes the lock all the same.

    Raises:
        StoreError: Another process holds the lock; it is named.
    """
    holder = holder_of(path)
    if holder is not None:
        raise _held(path, holder)


def _held(path: Path, holder: str) -> StoreError:
    return StoreError(
        "another process is writing to this run",
        where=str(path),
        got=f"held by {holder}",
        mend="Wait for it, or stop it; the lock is free as soon as it has ended.",
    )


def _open(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+", encoding="utf-8")
    except OSError as error:
        raise StoreError(
            "the run's lock cannot be opened",
            where=str(path),
            got=str(error),
            mend="Check that the run's folder can be written.",
        ) from error


def _me() -> dict[str, str | int]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": now}


def _said(file: IO[str]) -> str:
    file.seek(0)
    try:
        held = json.load(file)
        return f"process {held['pid']} on {held['host']} since {held['since']}"
    except (ValueError, KeyError, TypeError):
        return "a process that has not said who it is"
