"""A process of its own for each thing that is measured, so that none pays for another's imports.

Every living object makes garbage collection dearer: the plain loop must not run among LangChain's
modules. Lanes wait between their laps, so that laps can be taken in turn.
"""

from __future__ import annotations

import importlib
import multiprocessing
from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from multiprocessing.connection import Connection

    from benchmarks.meter import Lap


class Lane:
    """A thing that is measured, in a process of its own.

    Args:
        make: `module:callable`, imported there only; what it returns has a method
            `lap(*what) -> Lap`.
        arguments: What it is given.

    Raises:
        RuntimeError: From every method: the process has ended.
    """

    def __init__(self, make: str, *arguments: object) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make, arguments))
        self._process.start()
        theirs.close()
        self.laps: dict[tuple[object, ...], list[Lap]] = defaultdict(list)
        self._answer()

    def lap(self, *what: object) -> Any:  # noqa: ANN401 - the lane's own kind of lap
        """Take one lap there and keep it; what is no lap but the reason why is only returned."""
        self._pipe.send(what)
        lap: Lap | str = self._answer()
        if not isinstance(lap, str):
            self.laps[what].append(lap)
        return lap

    def median(self, figure: Callable[[Lap], float], *what: object) -> float:
        """Return the median of `figure` over the laps taken with `what`."""
        return median(figure(lap) for lap in self.laps[what])

    def ms(self, *what: object) -> float:
        """Return the median CPU milliseconds per call of the laps taken with `what`."""
        return self.median(lambda lap: lap.cpu_ms, *what)

    def _answer(self) -> Any:  # noqa: ANN401 - whatever the process says
        try:
            return self._pipe.recv()
        except EOFError:
            raise RuntimeError("a lane's process has ended; its error stands above") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._pipe.close()
        self._process.join()


def in_turn(laps: Iterable[Callable[[], object]], repeats: int) -> None:
    """Take each of the laps, again and again, so that all meet the same weather."""
    taken = list(laps)
    for _ in range(repeats):
        for lap in taken:
            lap()


def _serve(pipe: Connection, make: str, arguments: tuple[object, ...]) -> None:
    module, name = make.split(":")
    measured = getattr(importlib.import_module(module), name)(*arguments)
    pipe.send(None)
    while True:
        try:
            what = pipe.recv()
        except EOFError:
            return
        pipe.send(measured.lap(*what))
