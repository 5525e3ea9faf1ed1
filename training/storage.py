"""Where a variant's checkpoints lie: a folder, or a place in an object store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyarrow import ArrowException, fs

from domain.errors import ConfigError, StoreError

MARK = "fingerprint"
"""In each variant's place: what the checkpoints there belong to."""


@dataclass(frozen=True)
class Storage:
    """One variant's place; `path` is the folder's path on `filesystem`, a `pyarrow.fs` one."""

    filesystem: Any
    path: str

    @property
    def folder(self) -> Path | None:
        """The folder on this machine, None in an object store."""
        return Path(self.path) if isinstance(self.filesystem, fs.LocalFileSystem) else None

    def mark(self) -> bytes | None:
        """Return what the checkpoints there belong to, None where there are none.

        Raises:
            StoreError: The storage cannot be reached.
        """
        try:
            where = f"{self.path}/{MARK}"
            if self.filesystem.get_file_info(where).type != fs.FileType.File:
                return None
            with self.filesystem.open_input_file(where) as file:
                data: bytes = file.read()
                return data
        except (OSError, ArrowException) as error:
            raise self.failed("read", error) from error

    def claim(self, mark: bytes) -> None:
        """Clear the place of checkpoints that belong to something else, and mark it.

        Raises:
            StoreError: It cannot be written, or what lies there are not checkpoints of ours.
        """
        try:
            self.filesystem.create_dir(self.path, recursive=True)
            others = self._others()
            if others and self.mark() is None:
                raise StoreError(
                    "there is something else in the checkpoints' place",
                    where=self.path,
                    expected=f"an empty folder, or one with a file `{MARK}`",
                    got=others[0].base_name,
                    mend="Move it away, or name another folder in training.storage.",
                )
            self._write(b"")  # ours from here on, wherever this ends
            for other in others:
                if other.type == fs.FileType.Directory:
                    self.filesystem.delete_dir(other.path)
                else:
                    self.filesystem.delete_file(other.path)
            self._write(mark)
        except (OSError, ArrowException) as error:
            raise self.failed("written", error) from error

    def _others(self) -> list[Any]:
        found: list[Any] = self.filesystem.get_file_info(fs.FileSelector(self.path))
        return [one for one in found if one.base_name != MARK]

    def _write(self, mark: bytes) -> None:
        with self.filesystem.open_output_stream(f"{self.path}/{MARK}") as file:
            file.write(mark)

    def failed(self, what: str, error: Exception) -> StoreError:
        """What is said when the storage cannot be read or written."""
        return StoreError(
            f"the checkpoints' storage cannot be {what}",
            where=self.path,
            got=str(error).splitlines()[0],
            mend="Check that it exists, the rights on it and the space in it; an object store takes"
            " its keys from the environment.",
        )


def open_storage(address: str | None, run: Path, variant: str) -> Storage:
    """Return where `variant` of the run keeps its checkpoints.

    Args:
        address: `training.storage`: a folder, an address that pyarrow or fsspec knows, or None for
            the run's own folder. Runs of different names do not meet there.
        run: The run's folder.
        variant: What is trained.

    Raises:
        ConfigError: Nobody knows this kind of address.
    """
    if address is None:
        return Storage(fs.LocalFileSystem(), str((run / "training" / variant).resolve()))
    if "://" not in address:
        filesystem, root = fs.LocalFileSystem(), str(Path(address).expanduser().resolve())
    else:
        filesystem, root = _open(address)
    return Storage(filesystem, f"{root.rstrip('/')}/{run.resolve().name}/{variant}")


def _open(address: str) -> tuple[Any, str]:
    try:
        filesystem, root = fs.FileSystem.from_uri(address)
    except (OSError, ValueError, ArrowException) as error:
        try:
            return _through_fsspec(address)
        except (ImportError, OSError, ValueError):
            raise ConfigError(
                "there is no such kind of storage",
                where="training.storage",
                expected="a folder, or an address such as s3://bucket/folder or gs://bucket/folder",
                got=f"{address}: {str(error).splitlines()[0]}",
                mend="Correct the address, or install the fsspec package that knows it.",
            ) from error
    return filesystem, root


def _through_fsspec(address: str) -> tuple[Any, str]:
    """What pyarrow does not know by itself, such as az:// with adlfs."""
    from fsspec.core import url_to_fs

    filesystem, root = url_to_fs(address)
    return fs.PyFileSystem(fs.FSSpecHandler(filesystem)), root
