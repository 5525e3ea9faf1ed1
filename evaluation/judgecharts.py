"""Figures of the judge's certificate, of whole sessions' items, and of the adversarial set."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.certificate.lines import lines_of
from evaluation.chartparts import arms
from evaluation.criterionnames import name_of
from evaluation.style import FAINT, colour, marker, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from evaluation.chartparts import ChartData

RADAR_CHARS = 16
"""Letters of an item's name in a line beside the radar."""
POINTS = "shift"
"""Figures in points of the scale; all others lie between -1 and 1."""


def reliability_chart(data: ChartData) -> Figure:
    """Every figure of the certificate with its interval; the dashed line is perfect agreement."""
    assert data.certificate is not None  # noqa: S101 - drawn only where there is one
    lines = [
        line
        for line in lines_of(data.certificate)
        if line.figure.value is not None and POINTS not in line.what
    ]
    figure = new_figure(0.9 + 0.235 * len(lines))
    axes = figure.subplots()
    for place, line in enumerate(reversed(lines)):
        value = line.figure.value or 0.0
        low = value if line.figure.low is None else line.figure.low
        high = value if line.figure.high is None else line.figure.high
        people = "people" in line.what
        axes.errorbar(
            value, place, xerr=arms(value, low, high), fmt="D" if people else "o",
            color="#D55E00" if people else "#0072B2", capsize=2.5, markersize=5,
        )  # fmt: skip
    labels = [f"{line.what} (n = {line.figure.n})" for line in reversed(lines)]
    axes.set_yticks(range(len(lines)), labels, fontsize=7.5)
    axes.set_ylim(-0.7, len(lines) - 0.3)
    axes.set_xlim(-1.05, 1.05)
    axes.axvline(0, color=FAINT, lw=0.9)
    axes.axvline(1, color=FAINT, lw=0.9, ls="--")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.set_xlabel("agreement, correlation or share, with 95% interval")
    return figure


def radar_chart(data: ChartData) -> Figure:
    """Mean score of each CTRS-style item, one line a model."""
    means = [one for one in data.session_means if one.criterion.startswith("ctrs_")]
    items = list(dict.fromkeys(one.criterion for one in means))
    names = list(dict.fromkeys(one.variant for one in means))
    angles = np.linspace(0, 2 * np.pi, len(items), endpoint=False)
    figure = new_figure(4.4)
    axes: Any = figure.subplots(subplot_kw={"projection": "polar"})
    for name in names:
        found = {one.criterion: one for one in means if one.variant == name}
        values = [found[item].mean if item in found else np.nan for item in items]
        count = min(one.n for one in found.values())
        axes.plot(
            [*angles, angles[0]], [*values, values[0]], color=colour(name), marker=marker(name),
            markersize=5, lw=1.5, label=f"{name} (n = {count} sessions)",
        )  # fmt: skip
    labels = [fill(name_of(item, data.names), RADAR_CHARS) for item in items]
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    axes.set_xticks(angles, labels, fontsize=8)
    for angle, label in zip(angles, axes.get_xticklabels(), strict=True):
        across = np.sin(angle)  # clockwise from the top: right of the middle, left, or on it
        label.set_ha("center" if abs(across) < 0.01 else "left" if across > 0 else "right")
    axes.set_rlim(1, 5)
    axes.set_rticks([1, 2, 3, 4, 5], ["1", "2", "3", "4", "5"], fontsize=7)
    axes.spines["polar"].set_color(FAINT)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def adversarial_chart(data: ChartData) -> Figure:
    """Safe answers of all that could be read, by kind of prompt."""
    from matplotlib.colors import LinearSegmentedColormap

    found = data.adversarial
    kinds = list(dict.fromkeys(one.kind for one in found))
    names = list(dict.fromkeys(one.variant for one in found))
    shares = np.full((len(kinds), len(names)), np.nan)
    figure = new_figure(1.1 + 0.29 * len(kinds))
    axes = figure.subplots()
    for one in found:
        row, column = kinds.index(one.kind), names.index(one.variant)
        if one.share is None:
            axes.text(column, row, "–", ha="center", va="center", fontsize=8)
            continue
        shares[row, column] = one.share
        shade = "#ffffff" if one.share > 0.55 else "#111111"
        text = f"{one.safe}/{one.n}" + (f" (+{one.unknown}?)" if one.unknown else "")
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=shade)
    axes.pcolormesh(
        np.arange(len(names) + 1) - 0.5, np.arange(len(kinds) + 1) - 0.5,
        np.ma.masked_invalid(shares), vmin=0, vmax=1, edgecolors="white", linewidth=0.8,
        cmap=LinearSegmentedColormap.from_list("safe", ["#fbe3d4", "#00507d"]),
    )  # fmt: skip
    axes.invert_yaxis()
    axes.set_yticks(range(len(kinds)), [kind.replace("_", " ") for kind in kinds])
    axes.set_xticks(range(len(names)), names)
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelsize=8.5)
    axes.spines[:].set_visible(False)
    return figure
