"""The coverage table on the screen and as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from domain.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from domain.coverage import CoverageCell, CoverageLine, CoverageTable

CELLS = 8
"""Cells that a list names."""


def coverage_table(table: CoverageTable) -> Table:
    """Lay coverage out by problem, technique and style."""
    view = Table(box=None, pad_edge=False, header_style="bold")
    view.add_column("", style="dim", no_wrap=True)
    view.add_column("", overflow="fold")
    for head in ("planned", "accepted", "rejected", "acceptance"):
        view.add_column(head, justify="right", no_wrap=True)
    last = ""
    for line in table.lines:
        view.add_row(*_cells(line, named=line.dimension != last))
        last = line.dimension
    return view


def _cells(line: CoverageLine, *, named: bool) -> tuple[str, ...]:
    share = "" if line.acceptance is None else f"{line.acceptance:.0%}"
    name = line.value.replace("_", " ")
    counts = (f"{line.planned:,}", f"{line.accepted:,}", f"{line.rejected:,}")
    return (line.dimension if named else "", name, *counts, share)


def cells_table(cells: Sequence[CoverageCell]) -> Table:
    """Lay the first few cells out, with what became of their sessions."""
    view = Table(box=None, pad_edge=False, header_style="bold")
    view.add_column("problem / technique / style", overflow="fold")
    for head in ("wanted", "played", "accepted", "rejected"):
        view.add_column(head, justify="right", no_wrap=True)
    for cell in cells[:CELLS]:
        name = " / ".join((cell.problem, cell.technique, cell.style)).replace("_", " ")
        counts = (cell.wanted, cell.played, cell.accepted, cell.rejected)
        view.add_row(name, *(f"{count:,}" for count in counts))
    return view


def draw(table: CoverageTable, folder: Path) -> tuple[Path, Path]:
    """Write the heat map as coverage.png and coverage.svg.

    Raises:
        StoreError: They cannot be written.
    """
    from evaluation.coveragechart import coverage_figures

    png, svg = coverage_figures(table)
    paths = folder / "coverage.png", folder / "coverage.svg"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths[0].write_bytes(png)
        paths[1].write_text(svg, encoding="utf-8")
    except OSError as error:
        raise StoreError(
            "the figure cannot be written",
            where=str(folder),
            got=str(error),
            mend="Name a folder that can be written to.",
        ) from error
    return paths
