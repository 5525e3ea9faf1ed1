"""The figures of an evaluation: PNG and SVG files, and the same SVG for the report's page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import matplotlib as mpl

from corpus.files import appears_at, write_text
from evaluation.charts import (
    distribution_chart,
    loss_chart,
    relation_chart,
    scenario_chart,
    summary_chart,
    violin_chart,
    wins_chart,
)
from evaluation.style import for_page, settle, styled, to_png, to_svg

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.figure import Figure

    from evaluation.chartparts import ChartData


@dataclass(frozen=True)
class _Kind:
    """One kind of figure: its file name, what it shows, and when there is something to show."""

    name: str
    caption: str
    draw: Callable[[ChartData], Figure]
    fits: Callable[[ChartData], bool]


@dataclass(frozen=True)
class Drawn:
    """A figure that was drawn: `svg` stands in the page, `caption` under it."""

    name: str
    caption: str
    svg: str


def _scored(data: ChartData) -> bool:
    return bool(data.scores)


KINDS = (
    _Kind(
        "summary",
        "Mean score of each model, with 95% intervals over sessions; n is the number "
        "of answers with a score. The dashed line parts the real therapist's own replies.",
        summary_chart,
        _scored,
    ),
    _Kind(
        "distribution",
        "How often each score from 1 to 5 was given; numbers in the bars are answers.",
        distribution_chart,
        _scored,
    ),
    _Kind(
        "violin",
        "The shape of the scores. Every dot is one answer, moved a little so that equal scores "
        "do not hide each other; the mark in the middle is the mean with its 95% interval.",
        violin_chart,
        _scored,
    ),
    _Kind(
        "relation",
        "One criterion against the other; the number in a bubble is that of the answers there.",
        relation_chart,
        lambda data: len(data.criteria) > 1,
    ),
    _Kind(
        "scenarios",
        "Every score: a column is one held-out scenario, from the highest mean to the lowest. "
        "An empty cell has no score.",
        scenario_chart,
        _scored,
    ),
    _Kind(
        "wins",
        "Which of two models scored higher on the same scenario. Above each bar: wins plus half "
        "the ties, with its 95% interval; 50% is no difference.",
        wins_chart,
        lambda data: bool(data.summary.differences),
    ),
    _Kind(
        "losses",
        "Loss on what real therapists said in sessions that nobody was trained on, with 95% "
        "intervals over sessions. Lower is better.",
        loss_chart,
        lambda data: bool(data.losses),
    ),
)


def draw_figures(data: ChartData, folder: Path) -> list[Drawn]:
    """Write every figure that has something to show as PNG and SVG to `folder`.

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
        with appears_at(folder / f"{kind.name}.png") as part:
            part.write_bytes(png)
        drawn.append(Drawn(kind.name, kind.caption, for_page(svg, kind.name, kind.caption)))
    return drawn
