"""How figures look: colour-blind safe, legible at page width and in print, the same bytes twice.

Colours: Okabe & Ito (2008), Color Universal Design. Every variant also has its own marker, so
that a black-and-white print can be read. Score colours are five steps of cividis (Nuñez et al.,
2018), which keeps its order for colour-blind readers and in grey.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping

INK = "#1b1b1f"
"""Text, axes and marks; becomes the page's own text colour in the report."""
FAINT = "#8a8a92"
WIDTH = 6.6
"""Inches: the text width of a printed page."""
DPI = 160
"""Of the PNG files: two dots a pixel at the page's width. SVG is there for print."""

_VARIANTS: Mapping[str, tuple[str, str]] = {
    "base": ("#7a7a7a", "o"),
    "shuffled": ("#56B4E9", "X"),
    "real": ("#0072B2", "s"),
    "real-oversampled": ("#0072B2", "p"),
    "synthetic": ("#E69F00", "^"),
    "hybrid": ("#009E73", "D"),
    "reference": ("#CC79A7", "P"),
    "unigram": ("#D55E00", "v"),
}
_OTHERS = (("#D55E00", "v"), ("#56B4E9", "<"), ("#CC79A7", ">"), ("#0072B2", "h"))
SCORES = ("#00224e", "#434e6c", "#7d7c78", "#bcae6c", "#fee838")
"""Colours of the scores 1 to 5."""
ON_SCORES = ("#ffffff", "#ffffff", "#ffffff", "#111111", "#111111")
"""Text that can be read on them."""
ON_COLOURS = "#111111"
"""Text that can be read on the variants' colours."""
WIN, TIE, LOSS = "#0072B2", "#c9c9cf", "#E69F00"

_RC = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica"],
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.alpha": 0.3,
    "grid.linewidth": 0.6,
    "svg.fonttype": "none",
    "svg.hashsalt": "rehearsal",
    "hatch.linewidth": 0.6,
}


def colour(variant: str) -> str:
    """Return the colour of a variant; the same for the same name."""
    return _look(variant)[0]


def marker(variant: str) -> str:
    """Return matplotlib's name of a variant's marker."""
    return _look(variant)[1]


def _look(variant: str) -> tuple[str, str]:
    return _VARIANTS.get(variant) or _OTHERS[sum(variant.encode()) % len(_OTHERS)]


def new_figure(height: float) -> Figure:
    """Return an empty figure of page width, `height` inches high, without any global state."""
    return Figure(figsize=(WIDTH, height), layout="constrained")


def styled() -> mpl.RcParams:
    """Return the settings to draw under, for `matplotlib.rc_context`."""
    return mpl.RcParams({**mpl.rcParamsDefault, **_RC})


def settle(figure: Figure) -> None:
    """Lay the figure out once and for all: each rendering would do it again."""
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def to_png(figure: Figure) -> bytes:
    """Render on white."""
    buffer = io.BytesIO()
    figure.set_facecolor("white")
    FigureCanvasAgg(figure)
    figure.savefig(
        buffer, format="png", dpi=DPI, metadata={"Software": None},
        pil_kwargs={"compress_level": 4},
    )  # fmt: skip
    return buffer.getvalue()


def to_svg(figure: Figure) -> str:
    """Render as SVG on white, text as text, without a date."""
    buffer = io.StringIO()
    figure.set_facecolor("white")
    FigureCanvasSVG(figure)
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def for_page(svg: str, name: str, label: str) -> str:
    """Return an SVG that can stand in a page: no prologue, own ids, the page's text colour.

    Args:
        svg: What `to_svg` made.
        name: Put before every id, since ids of two inline figures must differ.
        label: Plain text for who cannot see it; must hold no markup.
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r'href="#', f'href="#{name}-', body)
    body = re.sub(r"url\(#", f"url(#{name}-", body)
    body = body.replace(INK, "currentColor").replace("fill: #ffffff", "fill: none", 1)
    body = body.replace("stroke: #ffffff", "stroke: var(--paper, #ffffff)")
    body = re.sub(r'(<svg\b[^>]*?) width="[^"]*"', r"\1", body, count=1)
    body = re.sub(r'(<svg\b[^>]*?) height="[^"]*"', r"\1", body, count=1)
    return body.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
