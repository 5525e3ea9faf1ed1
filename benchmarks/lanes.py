"""A process of its own for each thing that is measured, so that none pays for another's imports.

A long list of objects makes every garbage collection dearer: the plain loop must not run among
LangChain's modules. Lanes wait between their laps, so laps can be taken in turn.
"""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING, Any, Protocol, Self

from benchmarks.meter import Lap

if TYPE_CHECKING:
    from collections.abc import Callable


class Measured(Protocol):
    """Something that can be run again and again at a cost."""

    def lap(self) -> Lap:
        """Run once and return the cost."""
        ...


class Lane:
    """A `Measured` in a process of its own.

    Args:
        make: Module-level callable that builds it there.
        arguments: What `make` is given.
    """

    def __init__(self, make: Callable[..., Measured], *arguments: object) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make, arguments))
        self._process.start()
        theirs.close()
        self._answer()
        self.laps: list[Lap] = []

    def lap(self) -> Lap:
        """Take one lap there and keep it."""
        self._pipe.send("lap")
        lap: Lap = self._answer()
        self.laps.append(lap)
        return lap

    def _answer(self) -> Any:  # noqa: ANN401 - whatever the process says
        try:
            answer = self._pipe.recv()
        except EOFError:
            raise RuntimeError("a lane's process has ended; its error stands above") from None
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._pipe.close()
        self._process.join()


def _serve(pipe: Any, make: Callable[..., Measured], arguments: tuple[object, ...]) -> None:  # noqa: ANN401
    measured = make(*arguments)
    pipe.send("ready")
    while True:
        try:
            pipe.recv()
        except EOFError:
            return
        pipe.send(measured.lap())
