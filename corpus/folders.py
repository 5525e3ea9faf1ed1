"""Folders that appear whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from domain.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def at_once(target: Path, fill: Callable[[Path], T], what: str = "the folder") -> T:
    """Let `fill` write a folder that takes `target`'s place when it is whole; return what it does.

    `what` names what is written, for the error.

    Raises:
        StoreError: It cannot be written; what was at `target` is still there.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            filled = fill(made)
            _put_in_place(made, target)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise StoreError(
            f"{what} cannot be written",
            where=str(target),
            expected="a place that can be written to",
            got=error.strerror or str(error) or type(error).__name__,
            mend="Check the folder's permissions and the space on the disk.",
        ) from error
    return filled


def _put_in_place(made: Path, target: Path) -> None:
    """Put the folder `made` in `target`'s place; the old one goes last."""
    made.chmod(0o755)
    if not target.exists():
        made.rename(target)
        return
    old = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.old."))
    target.rename(old / "was")
    try:
        made.rename(target)
    except OSError:
        (old / "was").rename(target)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)
