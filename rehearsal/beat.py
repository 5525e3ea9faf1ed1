"""Something that happens from time to time while something else goes on."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EVERY_S = 1.0


@contextmanager
def beating(beat: Callable[[], None], every_s: float = EVERY_S) -> Iterator[None]:
    """Call `beat` from time to time while the block lasts."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(every_s):
            beat()

    thread = threading.Thread(target=run, name="beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
