"""The coverage table as a heat map: problem by technique, all styles together and each apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, TwoSlopeNorm
from matplotlib.ticker import MaxNLocator

from evaluation.style import FAINT, INK, WIDTH, new_figure, settle, styled, to_png, to_svg

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from domain.coverage import CoverageCell, CoverageTable

SHADES = "cividis"
ACROSS = 3
ROW_HEIGHT = 0.21
DARK = 0.45
"""Place on the scale of shades up to which text on it is white."""
USUAL = 0.61
"""Acceptance at the middle of the scale: the share of points that a session needs."""


class Counts(NamedTuple):
    """Sessions [problem, technique]."""

    planned: np.ndarray
    accepted: np.ndarray
    judged: np.ndarray


def coverage_chart(table: CoverageTable) -> Figure:
    """Return the figure: acceptance over all styles, then accepted sessions by style."""
    problems = tuple(dict.fromkeys(cell.problem for cell in table.cells))
    techniques = tuple(sorted({cell.technique for cell in table.cells}))
    styles = tuple(sorted({cell.style for cell in table.cells}))
    down = -(-len(styles) // ACROSS)
    tall = ROW_HEIGHT * len(problems)
    figure = new_figure(1.9 + tall * 1.25 + down * (0.75 + tall * 0.62))
    figure.set_figwidth(WIDTH * 1.35)
    grid = figure.add_gridspec(1 + down, ACROSS, height_ratios=[tall * 1.25] + [tall * 0.62] * down)
    counts = counted(table.cells, problems, techniques)
    _whole(figure.add_subplot(grid[0, :]), counts, problems, techniques)
    panels = [figure.add_subplot(grid[1 + n // ACROSS, n % ACROSS]) for n in range(len(styles))]
    most = max((cell.accepted for cell in table.cells), default=1)
    scale = Normalize(0, max(1, most))
    shade = ScalarMappable(scale, SHADES)
    for axes, style in zip(panels, styles, strict=True):
        own = counted((x for x in table.cells if x.style == style), problems, techniques)
        _style(axes, own, scale, f"{style}: {int(own.accepted.sum())} accepted")
    bar = figure.colorbar(shade, ax=panels, shrink=0.6, pad=0.01)
    bar.set_label("accepted sessions (dot: none of those judged)")
    bar.ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    _tick(panels, problems, techniques)
    return figure


def counted(
    cells: Iterable[CoverageCell], problems: Sequence[str], techniques: Sequence[str]
) -> Counts:
    """Add cells up over their styles."""
    counts = Counts(*(np.zeros((len(problems), len(techniques)), dtype=int) for _ in range(3)))
    for cell in cells:
        at = problems.index(cell.problem), techniques.index(cell.technique)
        counts.planned[at] += cell.planned
        counts.accepted[at] += cell.accepted
        counts.judged[at] += cell.judged
    return counts


def _whole(axes: Axes, counts: Counts, problems: Sequence[str], techniques: Sequence[str]) -> None:
    """Shade by acceptance, and write accepted of planned into each cell."""
    share = np.full(counts.judged.shape, np.nan)
    np.divide(counts.accepted, counts.judged, out=share, where=counts.judged > 0)
    image = axes.imshow(share, cmap=SHADES, norm=TwoSlopeNorm(USUAL, 0, 1), aspect="auto")
    for row, column in np.argwhere(counts.planned > 0):
        mark = float(share[row, column])
        dark = mark / USUAL / 2 <= DARK  # the scale's lower half ends at what is usual
        axes.text(
            column, row, f"{counts.accepted[row, column]}/{counts.planned[row, column]}",
            ha="center", va="center", fontsize=7,
            color="white" if dark else INK,
        )  # fmt: skip
    _cross_out(axes, counts)
    axes.set_xticks(
        range(len(techniques)), [_words(x) for x in techniques], rotation=38, ha="right"
    )
    axes.set_yticks(range(len(problems)), [_words(x) for x in problems])
    axes.set_title(
        "Accepted of planned sessions, all styles; shade: share accepted; ×: not planned"
    )
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.8, pad=0.01, ticks=[0, USUAL, 1])
    bar.ax.set_yticklabels(["0%", f"{USUAL:.0%}", "100%"])
    _plain(axes)


def _style(axes: Axes, counts: Counts, scale: Normalize, title: str) -> None:
    """Shade by accepted sessions; a dot marks where some were judged and none accepted."""
    shown = np.ma.masked_where(counts.planned == 0, counts.accepted)
    axes.imshow(shown, cmap=SHADES, norm=scale, aspect="auto")
    none = np.argwhere((counts.judged > 0) & (counts.accepted == 0))
    axes.plot(none[:, 1], none[:, 0], "o", color="#E69F00", markersize=2.6)
    axes.set_title(title, fontsize=8.5)
    _plain(axes)


def _cross_out(axes: Axes, counts: Counts) -> None:
    empty = np.argwhere(counts.planned == 0)
    axes.plot(empty[:, 1], empty[:, 0], "x", color=FAINT, markersize=3, markeredgewidth=0.7)


def _tick(panels: Sequence[Axes], problems: Sequence[str], techniques: Sequence[str]) -> None:
    for at, axes in enumerate(panels):
        axes.set_yticks(range(len(problems)), [_words(x) for x in problems], fontsize=6)
        axes.set_xticks(
            range(len(techniques)), [_words(x) for x in techniques], rotation=90, fontsize=6
        )
        axes.tick_params(labelleft=at % ACROSS == 0, labelbottom=at + ACROSS >= len(panels))


def _plain(axes: Axes) -> None:
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)


def _words(key: str) -> str:
    return key.replace("_", " ")


def coverage_figures(table: CoverageTable) -> tuple[bytes, str]:
    """Return the heat map as PNG and as SVG; the same table gives the same bytes."""
    with mpl.rc_context(styled()):
        figure = coverage_chart(table)
        settle(figure)
        return to_png(figure), to_svg(figure)
