"""How the comparison's figures look: colour-blind safe, told apart by shape too, same bytes twice.

Colours: Okabe and Ito, Color Universal Design, 2008.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from corpus.files import appears_at, write_text

if TYPE_CHECKING:
    from pathlib import Path

INK, FAINT, LIMIT = "#1b1b1f", "#8a8a92", "#D55E00"
WIDTH = 6.6
"""Inches: the text width of a printed page."""

LOOKS = {
    "half": ("#56B4E9", "o"),
    "other": ("#0072B2", "s"),
    "synthetic": ("#E69F00", "^"),
    "real": ("#0072B2", "o"),
    "half_a": ("#56B4E9", "<"),
    "half_b": ("#56B4E9", ">"),
    "other_side": ("#009E73", "s"),
}
"""Colour and marker of a pair or a side."""

_RC: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.axisbelow": True,
    "text.color": INK,
    "grid.color": FAINT,
    "grid.alpha": 0.3,
    "svg.fonttype": "path",
    "svg.hashsalt": "rehearsal",
}


def new_figure(height: float) -> Any:  # noqa: ANN401 - matplotlib's Figure, imported late
    """Return an empty figure of page width, `height` inches high, without global state."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH, height), layout="constrained")


def styled() -> Any:  # noqa: ANN401 - matplotlib's context
    """Return the context to draw in."""
    import matplotlib as mpl

    return mpl.rc_context({**mpl.rcParamsDefault, **_RC})


def save(figure: Any, folder: Path, name: str) -> None:  # noqa: ANN401 - matplotlib's Figure
    """Write a figure as SVG and PNG; the same figure gives the same bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_facecolor("white")
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # each rendering would lay it out again
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    write_text(folder / f"{name}.svg", drawn.getvalue())
    with appears_at(folder / f"{name}.png") as part:
        figure.savefig(part, format="png", dpi=170, metadata={"Software": None})
