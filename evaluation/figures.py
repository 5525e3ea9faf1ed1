"""The figures of an evaluation: PNG, SVG and CSV files, and the same SVG for the report's page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import matplotlib as mpl

from corpus.files import appears_at, write_text
from evaluation.figurekinds import KINDS
from evaluation.figuretables import as_csv
from evaluation.style import for_page, settle, styled, to_png, to_svg

if TYPE_CHECKING:
    from pathlib import Path

    from evaluation.chartparts import ChartData


@dataclass(frozen=True)
class Drawn:
    """A figure that was drawn: `svg` stands in the page, `caption` under it."""

    name: str
    caption: str
    svg: str


def draw_figures(data: ChartData, folder: Path) -> list[Drawn]:
    """Write every figure that has something to show as PNG, SVG and CSV to `folder`.

    The same data give the same bytes under the same version of matplotlib.

    Raises:
        StoreError: A file cannot be written.
    """
    drawn = []
    for kind in KINDS:
        if not kind.fits(data):
            continue
        with mpl.rc_context(styled()):
            figure = kind.draw(data)
            settle(figure)
            svg, png = to_svg(figure), to_png(figure)
        write_text(folder / f"{kind.name}.svg", svg)
        write_text(folder / f"{kind.name}.csv", as_csv(kind.rows(data)))
        with appears_at(folder / f"{kind.name}.png") as part:
            part.write_bytes(png)
        drawn.append(Drawn(kind.name, kind.says(data), for_page(svg, kind.name, kind.says(data))))
    return drawn
