"""What people and programs see: progress, results, failures.

Progress and messages go to stderr; stdout carries results only, one JSON document with `--json`.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import threading
import time
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Any, TextIO

from domain.base import canonical_json
from rehearsal.beat import beating

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.console import Console, RenderableType
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from domain.errors import RehearsalError
    from domain.progress import Progress


ENDLESS = 1_000_000
"""Columns that no line reaches, to measure how wide something would be."""
PARTS = 20
QUARTERS = 4
"""Of training, whose steps go to a log of their own as well."""
AT_LEAST_EVERY_S = 30.0
AT_MOST_EVERY_S = 1.0

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


def width_of(out: TextIO) -> int | None:
    """Return the columns that `out` has: COLUMNS, or the terminal's; None where nobody says."""
    said = os.environ.get("COLUMNS", "")
    if said.isdigit() and int(said):
        return int(said)
    return shutil.get_terminal_size().columns if out.isatty() else None


def wrapped(text: str, width: int | None, indent: str = "") -> str:
    """Break `text` between words at `width` columns; further lines begin with `indent`.

    A word is never broken, so that paths and commands can be copied.
    """
    if width is None:
        return text
    lines = text.split("\n")
    wide = max(width, len(indent) + 20)
    return "\n".join(
        textwrap.fill(
            line, wide, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
        for line in lines
    )


def say(line: str = "") -> None:
    """Write one line of the result; it is never wrapped, so that paths can be copied."""
    _results().write(f"{line}\n")


def tell(text: str, indent: str = "  ") -> None:
    """Write prose, wrapped between words where the width is known."""
    say(wrapped(text, width_of(_results()), indent))


def show(renderable: RenderableType) -> None:
    """Write a table or a tree."""
    out = _results()
    if (width := width_of(out)) is not None:
        _console(out, width).print(renderable)
    else:
        out.write(_piped(renderable))


def show_plain(coloured: RenderableType, plain: Callable[[], RenderableType]) -> None:
    """Write `coloured` where the terminal has colours, what `plain` returns elsewhere."""
    out = _results()
    width = width_of(out)
    console = _console(out, width)
    has_colours = console.color_system is not None and not console.no_color
    if has_colours:
        console.print(coloured, markup=False)
    elif width is None:
        out.write(_piped(plain()))
    else:
        console.print(plain(), markup=False)


def _console(out: TextIO, width: int | None) -> Console:
    from rich.console import Console

    return Console(file=out, highlight=False, width=width)


def _piped(renderable: RenderableType) -> str:
    """Lay out for a file or a program: as wide as it is, nothing wrapped, no blanks at the end."""
    from rich.measure import Measurement

    text = StringIO()
    endless = _console(text, ENDLESS)
    natural = Measurement.get(endless, endless.options, renderable).maximum
    # A measure leaves out blanks at the end of a cell, which the layout does not.
    _console(text, natural + 8).print(renderable, markup=False)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


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
    """Say what failed, where, what was expected, what was there, the mend, and what else did."""
    if as_json:
        said = {
            "kind": type(error).__name__,
            "what": error.what,
            **error.fields(),
            "exit_code": int(error.exit_code),
        }
        if error.also:
            said["also"] = [{"what": one.what, **one.fields()} for one in error.also]
        emit_json({"error": said})
    for one in (error, *error.also):
        _show_one(one)


def _show_one(error: RehearsalError) -> None:
    from rich.text import Text

    console, width = stderr(), width_of(sys.stderr)
    head = f"{error.where}: {error.what}" if error.where else error.what
    console.print(Text("✗ ", style="bold red") + Text(wrapped(head, _less(width, 2), "  ")))
    for name, text in error.fields().items():
        if name != "where":
            label = f"  {name:<9}"
            lines = wrapped(text, _less(width, len(label))).replace("\n", "\n" + " " * len(label))
            console.print(Text(label, style="dim") + Text(lines))


def _less(width: int | None, columns: int) -> int | None:
    return None if width is None else width - columns


@contextmanager
def watching() -> Iterator[Progress]:
    """Yield a `Progress`: a live display on a terminal, plain lines elsewhere."""
    console = stderr()
    if console.is_terminal:
        with _LiveDisplay(console) as display:
            yield display
    else:
        lines = PlainLines(lambda line: console.print(line, markup=False))
        with beating(lines.beat):
            yield lines


class PlainLines:
    """Progress for logs: a line when a stage starts and ends, at each twentieth, each half minute.

    Training, whose every step stands in its own log, has a line at each quarter and no other.
    Where twentieths follow each other faster than a second, some are left out.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._stages: dict[str, _Stage] = {}

    def __call__(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Write a line if this is news."""
        with self._lock:
            known = self._stages.setdefault(stage, _Stage())
            known.done, known.total, known.note = done, total, note
            quarters = _is_training(stage)
            part = known.furthest(QUARTERS if quarters else PARTS)
            since = time.monotonic() - known.written
            ended = known.done >= known.total
            further = part > known.part and (since >= AT_MOST_EVERY_S or ended)
            waited = not quarters and not known.ended and since >= AT_LEAST_EVERY_S
            if further or waited:
                known.part = part
                self._tell(stage, known)

    def beat(self) -> None:
        """Write a line where a stage has said nothing for long."""
        for stage, known in list(self._stages.items()):
            if not known.ended:
                self(stage, known.done, known.total, known.note)

    def _tell(self, stage: str, known: _Stage) -> None:
        known.written = time.monotonic()
        known.ended = known.done >= known.total
        seconds = known.written - known.began
        said = f"{stage}: {known.done} of {known.total}"
        if known.ended:
            said += f" in {seconds:.0f} s"
        elif seconds >= AT_MOST_EVERY_S:
            said += f" after {seconds:.0f} s"
        if known.total == 1:
            said = f"{stage}: done in {seconds:.0f} s" if known.done else f"{stage} …"
        self._write(said + (f" ({known.note})" if known.note else ""))


class _Stage:
    """How far a stage is, and what was last written of it."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.written = float("-inf")
        self.part = -1
        self.done = self.total = 0
        self.note = ""
        self.ended = False

    def furthest(self, parts: int) -> int:
        """Return how many of `parts` equal parts are done."""
        return parts if self.total == 0 else parts * self.done // self.total


def _is_training(stage: str) -> bool:
    return stage.startswith("train ")


class _LiveDisplay:
    """Progress for terminals: one bar per stage, and under the bars what is to be said of them."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars
        from rich.text import Text

        class Noted(Bars):
            def get_renderables(self) -> Iterable[RenderableType]:
                yield from super().get_renderables()
                for task in self.tasks:
                    if task.fields["note"] and not task.finished:
                        yield Text(f"  {task.fields['note']}", style="dim")

        self._bars: RichProgress = Noted(
            TextColumn("{task.description:<16}"),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
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
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=max(total, 1), note="")
        self._bars.update(
            self._tasks[stage],
            completed=done if total else 1,
            total=max(total, 1),
            note=note,
        )
