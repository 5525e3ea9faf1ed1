"""Figures of what stands behind the scores: training, blends, sessions played, likeness, memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evaluation.chartparts import arms
from evaluation.style import FAINT, INK, colour, marker, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from evaluation.chartparts import ChartData

WINDOW = 0.1
"""Share of the steps that a smoothed loss is the mean of."""
PAIRS = {"synthetic": ("real against synthetic", "#E69F00", "^"),
         "half": ("real against real (two halves)", "#0072B2", "s"),
         "other": ("real against another real corpus", "#56B4E9", "D")}  # fmt: skip
LIKENESS = (
    ("utterance_auc", "telling therapist turns apart"),
    ("client_auc", "telling client turns apart"),
    ("session_auc", "telling whole sessions apart"),
)


def curves_chart(data: ChartData) -> Figure:
    """Training loss by step: faint as measured, and a running mean."""
    figure = new_figure(2.9)
    axes = figure.subplots()
    for curve in data.parts.curves:
        losses = np.array(curve.losses)
        wide = max(1, round(WINDOW * len(losses)))
        smooth = np.convolve(losses, np.ones(wide) / wide, mode="valid")
        shade = colour(curve.variant)
        axes.plot(curve.steps, losses, color=shade, lw=0.6, alpha=0.35)
        axes.plot(
            curve.steps[wide - 1 :], smooth, color=shade, lw=1.6, marker=marker(curve.variant),
            markevery=max(1, len(smooth) // 6), markersize=5,
            label=f"{curve.variant} (n = {len(losses)} steps)",
        )  # fmt: skip
    axes.set_xlabel("step")
    axes.set_ylabel("training loss, nats per token")
    axes.grid()
    axes.legend(frameon=False)
    return figure


def sweep_chart(data: ChartData) -> Figure:
    """Held-out loss by the share of synthetic sessions, over seeds."""
    sweep = data.parts.sweep
    assert sweep is not None  # noqa: S101 - drawn only where there is one
    figure = new_figure(2.9)
    axes = figure.subplots()
    shares = [one.share for one in sweep.points]
    values = [one.loss.value for one in sweep.points]
    axes.errorbar(
        shares, values, fmt="o-", color="#0072B2", capsize=3, lw=1.4, markersize=6,
        yerr=np.hstack([arms(one.loss.value, one.loss.low, one.loss.high)
                        for one in sweep.points]),
        label="mean over seeds, 95% interval",
    )  # fmt: skip
    for place, one in enumerate(sweep.points):
        axes.plot(
            [one.share] * len(one.by_seed), one.by_seed, "^", color="#E69F00", markersize=4,
            label=f"one seed (n = {len(sweep.seeds)})" if not place else None,
        )  # fmt: skip
    axes.set_xticks(shares, [f"{share}%" for share in shares])
    axes.set_xlabel("share of synthetic sessions in the blend")
    axes.set_ylabel("held-out loss, nats per token")
    axes.grid()
    axes.legend(frameon=False)
    axes.set_title(f"n = {sweep.held_out_sessions} real sessions; base {sweep.base_loss.value:.2f}")
    return figure


def coverage_chart(data: ChartData) -> Figure:
    """Accepted of played sessions by problem and style of the client."""
    from matplotlib.colors import LinearSegmentedColormap

    cells = data.parts.coverage
    problems = sorted({one.problem for one in cells})
    styles = sorted({one.style for one in cells})
    grid = np.full((len(problems), len(styles)), np.nan)
    figure = new_figure(1.1 + 0.27 * len(problems))
    axes = figure.subplots()
    for one in cells:
        row, column = problems.index(one.problem), styles.index(one.style)
        grid[row, column] = one.accepted / one.played
        dark = one.accepted / one.played > 0.55
        axes.text(
            column, row, f"{one.accepted}/{one.played}", ha="center", va="center", fontsize=7.5,
            color="#ffffff" if dark else "#111111",
        )  # fmt: skip
    axes.pcolormesh(
        np.arange(len(styles) + 1) - 0.5, np.arange(len(problems) + 1) - 0.5,
        np.ma.masked_invalid(grid), vmin=0, vmax=1, edgecolors="white", linewidth=0.6,
        cmap=LinearSegmentedColormap.from_list("accepted", ["#e8eef4", "#00507d"]),
    )  # fmt: skip
    axes.invert_yaxis()
    axes.set_yticks(range(len(problems)), [one.replace("_", " ") for one in problems])
    axes.set_xticks(range(len(styles)), [one.replace("_", " ") for one in styles])
    axes.tick_params(length=0, labelsize=8)
    axes.spines[:].set_visible(False)
    played, accepted = sum(one.played for one in cells), sum(one.accepted for one in cells)
    axes.set_title(f"{accepted} of n = {played} sessions accepted")
    return figure


def compare_chart(data: ChartData) -> Figure:
    """How well a classifier tells two sides apart: synthetic beside what real ones differ by."""
    compare = data.parts.compare
    assert compare is not None  # noqa: S101 - drawn only where there is one
    known = [name for name in PAIRS if name in compare.pairs]
    figure = new_figure(2.6)
    axes = figure.subplots()
    lowest = 0.3
    for row, (key, _) in enumerate(LIKENESS):
        for place, name in enumerate(known):
            found = getattr(compare.pairs[name], key)
            if found is None:
                continue
            _, shade, shape = PAIRS[name]
            height = row + (place - (len(known) - 1) / 2) * 0.22
            axes.errorbar(
                found.value, height, xerr=arms(found.value, found.low, found.high), fmt=shape,
                color=shade, capsize=3, markersize=6,
            )  # fmt: skip
            behind = f" (n = {' and '.join(map(str, found.n))})" if found.n else ""
            axes.annotate(
                f"{found.value:.2f}{behind}", (found.high, height), (5, 0),
                textcoords="offset points", va="center", fontsize=7.2,
            )  # fmt: skip
            lowest = min(lowest, found.low)
    axes.set_yticks(range(len(LIKENESS)), [label for _, label in LIKENESS])
    axes.set_ylim(len(LIKENESS) - 0.4, -0.6)
    axes.axvline(0.5, color=FAINT, lw=0.9)
    axes.set_xlim(lowest - 0.02, 1.4)  # room for what the rightmost rest on
    axes.set_xticks([tick for tick in np.arange(0, 1.01, 0.1) if tick >= lowest - 0.02])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.set_xlabel("area under the ROC curve: 0.5 cannot be told apart, 1 always")
    for name in known:
        label, shade, shape = PAIRS[name]
        axes.plot([], [], shape, color=shade, label=label, markersize=6)
    figure.legend(loc="outside lower center", ncols=1, frameon=False, fontsize=8)
    return figure


def memory_chart(data: ChartData) -> Figure:
    """The longest run of words shared with what was trained on, beside what chance gives."""
    found = data.parts.memorisation
    assert found is not None  # noqa: S101 - drawn only where there is one
    models = list(reversed(found.models))
    figure = new_figure(0.95 + 0.36 * len(models))
    axes = figure.subplots()
    for place, one in enumerate(models):
        axes.plot([one.unseen.words, one.seen.words], [place, place], color=FAINT, lw=1)
        axes.plot(one.unseen.words, place, "o", color=INK, markerfacecolor="white", markersize=6)
        axes.plot(
            one.seen.words, place, marker(one.variant), color=colour(one.variant), markersize=7
        )
    labels = [f"{one.variant} (n = {one.answers})" for one in models]
    axes.set_yticks(range(len(models)), labels)
    axes.set_ylim(-0.6, len(models) - 0.4)
    most = max(max(one.seen.words, one.unseen.words) for one in models)
    axes.set_xlim(0, max(10, most + 1))
    axes.axvline(8, color=FAINT, lw=0.9, ls="--")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.set_xlabel("longest run of words shared (filled: trained on; hollow: held out, chance)")
    return figure
