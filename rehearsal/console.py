"""What people and programs see: progress, results, failures.

Progress and messages go to stderr; stdout carries results only, one JSON document with `--json`.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any, TextIO

from domain.base import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, RenderableType
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from domain.errors import RehearsalError
    from domain.progress import Progress


PIPED_WIDTH = 160
"""Columns of tables and trees that go to a file or a program, where no terminal says its own."""


_kept: list[TextIO] = []


@contextmanager
def results_only() -> Iterator[None]:
    """Keep stdout for `say`, `show` and `emit_json`; what libraries print goes to stderr."""
    _kept.append(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _kept.pop()


def _results() -> TextIO:
    return _kept[-1] if _kept else sys.stdout


def say(line: str = "") -> None:
    """Write one line of the result; it is never wrapped, so that paths can be copied."""
    _results().write(f"{line}\n")


def show(renderable: RenderableType) -> None:
    """Write a table or a tree."""
    from rich.console import Console

    out = _results()
    width = None if out.isatty() else PIPED_WIDTH
    Console(file=out, highlight=False, width=width).print(renderable)


def stderr() -> Console:
    """The console for progress and failures."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def emit_json(value: Any) -> None:  # noqa: ANN401 - any JSON value or noun
    """Write one JSON document to stdout."""
    out = _results()
    out.write(canonical_json(value).decode() + "\n")
    out.flush()


def show_failure(error: RehearsalError, *, as_json: bool) -> None:
    """Say what failed, where, what was expected, what was there, and the mend."""
    if as_json:
        emit_json(
            {
                "error": {
                    "kind": type(error).__name__,
                    "what": error.what,
                    **error.fields(),
                    "exit_code": int(error.exit_code),
                }
            }
        )
    from rich.text import Text

    console = stderr()
    head = f"{error.where}: {error.what}" if error.where else error.what
    console.print(Text("✗ ", style="bold red") + Text(head))
    for name, text in error.fields().items():
        if name != "where":
            console.print(Text(f"  {name:<9}", style="dim") + Text(text))


@contextmanager
def watching() -> Iterator[Progress]:
    """Yield a `Progress`: a live display on a terminal, plain lines elsewhere."""
    console = stderr()
    if console.is_terminal:
        with _LiveDisplay(console) as display:
            yield display
    else:
        yield PlainLines(console)


class PlainLines:
    """Progress for logs: a line when a stage starts, at each quarter, and when it ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started: dict[str, float] = {}
        self._quarter: dict[str, int] = {}

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Write a line if this is news."""
        self._started.setdefault(stage, time.monotonic())
        quarter = 4 if total == 0 else 4 * done // total
        if quarter <= self._quarter.get(stage, -1):
            return
        self._quarter[stage] = quarter
        seconds = time.monotonic() - self._started[stage]
        end = f" in {seconds:.0f} s" if quarter == 4 else ""
        tail = f" ({note})" if note else ""
        self._console.print(f"{stage}: {done} of {total}{end}{tail}", markup=False)


class _LiveDisplay:
    """Progress for terminals: one bar per stage."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        self._bars: RichProgress = Bars(
            TextColumn("{task.description:<22}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}", markup=True),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> _LiveDisplay:
        self._bars.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._bars.stop()

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Move the stage's bar."""
        from rich.markup import escape

        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=max(total, 1), note="")
        self._bars.update(
            self._tasks[stage],
            completed=done if total else 1,
            total=max(total, 1),
            note=escape(note),
        )
