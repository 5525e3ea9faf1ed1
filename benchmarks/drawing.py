"""Series by number of sessions, drawn side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

GREY = "#808080"
COLOURS = ("#2f81f7", "#e0700c")
"""Grey axes and strong colours are read on white and on black."""
HEADROOM = 1.15
"""Of the highest point: it stands below the frame, whole."""


def draw(
    lines: Sequence[Mapping[str, Any]], charts: Mapping[str, Mapping[str, str]], path: Path
) -> None:
    """Write an SVG file.

    Args:
        lines: Of each number of `sessions`, what was measured.
        charts: By title, the keys drawn in one chart, two at most, and what each is called.
        path: The file; the same lines give the same bytes.
    """
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    mpl.rcParams["svg.hashsalt"] = path.stem
    sizes = [line["sessions"] for line in lines]
    figure, axes = plt.subplots(
        1, len(charts), figsize=(12, 3.6), layout="constrained", squeeze=False
    )
    for axis, (title, series) in zip(axes[0], charts.items(), strict=True):
        for (key, label), colour in zip(series.items(), COLOURS[: len(series)], strict=True):
            values = [line[key] for line in lines]
            axis.plot(sizes, values, marker="o", color=colour, label=label)
        axis.set(xscale="log")
        axis.set_xlabel("sessions", color=GREY)
        axis.set_title(title, color=GREY)
        axis.set_ylim(0, HEADROOM * max(line[key] for line in lines for key in series))
        axis.set_facecolor("none")
        axis.tick_params(which="both", colors=GREY)
        axis.spines[:].set_color(GREY)
        axis.legend(frameon=False, labelcolor=GREY)
    figure.savefig(path, metadata={"Date": None}, transparent=True)
    plt.close(figure)
