"""An object store by name, a folder in truth: nothing but fsspec's calls reaches it."""

from __future__ import annotations

from typing import ClassVar

import fsspec
from fsspec.implementations.dirfs import DirFileSystem


class Bucket(DirFileSystem):  # type: ignore[misc]
    """`bucket:///folder`: a file system that pyarrow does not know."""

    protocol: ClassVar[str] = "bucket"

    def __init__(self) -> None:
        super().__init__(path="/", target_protocol="file")

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.removeprefix("bucket://")


fsspec.register_implementation("bucket", Bucket, clobber=True)
