"""One function per figure: each takes what was found and returns a matplotlib figure.

They draw what is there, also when it is little: one variant, equal scores, no verdicts at all.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from evaluation.chartparts import (
    arms,
    count_label,
    legend,
    panels,
    score_axis,
    score_legend,
    variant_rows,
    win_bar,
    win_label,
)
from evaluation.criterionnames import name_of
from evaluation.phrases import number
from evaluation.style import (
    INK,
    LOSS,
    ON_COLOURS,
    ON_SCORES,
    SCORES,
    TIE,
    WIN,
    colour,
    marker,
    new_figure,
)
from evaluation.summary import REFERENCE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from evaluation.chartparts import ChartData


FEWEST_FOR_A_SHAPE = 8
"""Under this many scores a violin shows a shape that is not there."""


def summary_chart(data: ChartData) -> Figure:
    """Mean scores with 95% intervals, a panel for each criterion."""
    figure = new_figure(0.9 + 0.34 * len(data.variants))
    for axes, criterion in panels(figure, data):
        for place, variant in enumerate(reversed(data.variants)):
            mean = data.mean(variant, criterion)
            if mean is None:
                continue
            axes.errorbar(
                mean.mean, place, xerr=arms(mean.mean, mean.low, mean.high),
                fmt=marker(variant), color=colour(variant), markersize=6.5, capsize=3,
            )  # fmt: skip
            axes.annotate(
                f"{mean.mean:.2f}", (mean.mean, place), (0, 7), textcoords="offset points",
                ha="center", fontsize=7.5,
            )  # fmt: skip
        variant_rows(axes, data, criterion)
        score_axis(axes)
        axes.set_title(data.heading(criterion))
    return figure


def distribution_chart(data: ChartData) -> Figure:
    """Share of each score, 1 to 5, for every variant."""
    figure = new_figure(1.2 + 0.36 * len(data.variants))
    for axes, criterion in panels(figure, data):
        for place, variant in enumerate(reversed(data.variants)):
            mean = data.mean(variant, criterion)
            left = 0.0
            for score, count in enumerate(mean.counts if mean else ()):
                share = 100 * count / mean.n if mean else 0.0
                axes.barh(place, share, left=left, height=0.72, color=SCORES[score])
                if share >= 8:
                    axes.text(
                        left + share / 2, place, str(count), ha="center", va="center",
                        color=ON_SCORES[score], fontsize=7.5,
                    )  # fmt: skip
                left += share
        variant_rows(axes, data, criterion)
        axes.set_xlim(0, 100)
        axes.set_xlabel("answers, %")
        axes.set_title(data.heading(criterion))
    score_legend(figure)
    return figure


def violin_chart(data: ChartData) -> Figure:
    """The shape of the scores: a violin where they vary, every score as a dot, the mean."""
    figure = new_figure(2.9)
    generator = np.random.default_rng(0)
    for axes, criterion in panels(figure, data):
        for place, variant in enumerate(data.variants):
            values = np.array(list(data.scores.get((variant, criterion), {}).values()), float)
            if len(values) >= FEWEST_FOR_A_SHAPE and np.ptp(values) > 0:
                drawn: Any = axes.violinplot(values, [place], widths=0.85, showextrema=False)
                for body in drawn["bodies"]:
                    body.set(facecolor=colour(variant), edgecolor=colour(variant), alpha=0.3)
            spots = place + generator.uniform(-0.22, 0.22, len(values))
            heights = values + generator.uniform(-0.1, 0.1, len(values))
            axes.plot(spots, heights, ".", color=colour(variant), markersize=3, alpha=0.8)
            mean = data.mean(variant, criterion)
            if mean:
                axes.errorbar(
                    place, mean.mean, yerr=arms(mean.mean, mean.low, mean.high),
                    fmt=marker(variant), color=INK, markersize=5, capsize=3,
                )  # fmt: skip
        labels = [
            f"{variant}\n{count_label(data, variant, criterion)}" for variant in data.variants
        ]
        many = max(map(len, data.variants)) * len(data.variants) > 50
        axes.set_xticks(range(len(labels)), labels, fontsize=7.5, rotation=60 if many else 0)
        axes.set_xlim(-0.6, len(data.variants) - 0.4)
        axes.set_ylim(0.5, 5.5)
        axes.set_yticks(range(1, 6))
        axes.grid(axis="y")
        axes.set_title(data.heading(criterion))
    figure.get_axes()[0].set_ylabel("score")
    return figure


def relation_chart(data: ChartData) -> Figure:
    """One criterion against another: the larger a bubble, the more answers stand there."""
    first, second = data.criteria[:2]
    variants = data.variants
    columns = 2 if len(variants) == 4 else min(3, len(variants))
    rows = -(-len(variants) // columns)
    figure = new_figure(0.5 + 2.05 * rows)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place >= len(variants):
            axes.set_visible(False)
            continue
        variant = variants[place]
        mine, other = data.scores.get((variant, first), {}), data.scores.get((variant, second), {})
        shared = sorted(mine.keys() & other.keys())
        counts = Counter((other[scenario], mine[scenario]) for scenario in shared)
        most = max(counts.values(), default=1)
        for (x, y), count in sorted(counts.items()):
            axes.scatter(x, y, s=110 + 320 * count / most, color=colour(variant), lw=0)
            axes.text(x, y, str(count), ha="center", va="center", fontsize=7.5, color=ON_COLOURS)
        axes.set_title(f"{variant} (n = {len(shared)})\n{_rho(mine, other, shared)}", fontsize=8.5)
        axes.set(xlim=(0.4, 5.6), ylim=(0.4, 5.6), xticks=range(1, 6), yticks=range(1, 6))
        axes.grid()
        last = place + columns >= len(variants)
        axes.tick_params(labelbottom=last)
        if last:
            axes.set_xlabel(name_of(second, data.names))
        if place % columns == 0:
            axes.set_ylabel(name_of(first, data.names))
    return figure


def scenario_chart(data: ChartData) -> Figure:
    """Every score: a column for each scenario, the easiest on the left."""
    from matplotlib.colors import ListedColormap
    from matplotlib.ticker import MaxNLocator

    scenarios = _by_ease(data)
    figure = new_figure(0.8 + len(data.criteria) * (0.42 + 0.24 * len(data.variants)))
    grid = figure.subplots(len(data.criteria), 1, sharex=True, squeeze=False)
    for axes, criterion in zip(grid[:, 0], data.criteria, strict=True):
        cells = np.full((len(data.variants), len(scenarios)), np.nan)
        for row, variant in enumerate(data.variants):
            found = data.scores.get((variant, criterion), {})
            for column, scenario in enumerate(scenarios):
                cells[row, column] = found.get(scenario, np.nan)
        edges_x = np.arange(len(scenarios) + 1) + 0.5
        edges_y = np.arange(len(data.variants) + 1) - 0.5
        axes.pcolormesh(
            edges_x, edges_y, np.ma.masked_invalid(cells), cmap=ListedColormap(list(SCORES)),
            vmin=0.5, vmax=5.5, edgecolors="white", linewidth=0.4,
        )  # fmt: skip
        axes.invert_yaxis()
        axes.set_yticks(range(len(data.variants)), data.variants)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_title(data.heading(criterion))
    grid[-1, 0].xaxis.set_major_locator(MaxNLocator(10, integer=True))
    grid[-1, 0].set_xlim(0.5, len(scenarios) + 0.5)
    grid[-1, 0].set_xlabel(f"scenario, by mean score of all models (n = {len(scenarios)})")
    score_legend(figure)
    return figure


def wins_chart(data: ChartData) -> Figure:
    """Wins, ties and losses scenario by scenario, with the share of wins and its interval."""
    pairs = list(dict.fromkeys((one.variant, one.against) for one in data.summary.differences))
    figure = new_figure(1.25 + 0.46 * len(pairs))
    for axes, criterion in panels(figure, data):
        first = criterion == data.criteria[0]
        for place, pair in enumerate(reversed(pairs)):
            for one in data.summary.differences:
                if (one.variant, one.against, one.criterion) == (*pair, criterion):
                    win_bar(axes, place, (one.wins, one.ties, one.losses))
                    win_label(axes, place + 0.42, one)
        names = [f"{one} against {other}" for one, other in reversed(pairs)]
        axes.set_yticks(range(len(pairs)), names if first else [])
        axes.set_ylim(-0.5, len(pairs) - 0.3)
        axes.set_xlim(0, 100)
        axes.set_xlabel("scenarios, %")
        axes.tick_params(axis="y", length=0)
        axes.set_title(data.heading(criterion))
    legend(figure, {"wins": WIN, "ties": TIE, "losses": LOSS})
    return figure


def loss_chart(data: ChartData) -> Figure:
    """Loss on real held-out therapist turns, lower is better, with 95% intervals."""
    figure = new_figure(0.85 + 0.32 * len(data.losses))
    axes = figure.subplots()
    for place, loss in enumerate(reversed(data.losses)):
        axes.errorbar(
            loss.loss, place, xerr=arms(loss.loss, loss.low, loss.high), fmt=marker(loss.model),
            color=colour(loss.model), markersize=6.5, capsize=3,
        )  # fmt: skip
        axes.annotate(
            f"{loss.loss:.3f}", (loss.loss, place), (0, 7), textcoords="offset points",
            ha="center", fontsize=7.5,
        )  # fmt: skip
    axes.set_yticks(range(len(data.losses)), [loss.model for loss in reversed(data.losses)])
    axes.set_ylim(-0.6, len(data.losses) - 0.3)
    axes.margins(x=0.12)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("loss on held-out therapist turns, nats per token (lower is better)")
    return figure


def _by_ease(data: ChartData) -> list[str]:
    totals: dict[str, list[float]] = {}
    for (variant, _), found in data.scores.items():
        if variant != REFERENCE:
            for scenario, score in found.items():
                totals.setdefault(scenario, []).append(score)
    return sorted(totals, key=lambda scenario: (-float(np.mean(totals[scenario])), scenario))


def _rho(mine: dict[str, float], other: dict[str, float], shared: list[str]) -> str:
    """Return Spearman's correlation as words, where both vary."""
    first = [mine[scenario] for scenario in shared]
    second = [other[scenario] for scenario in shared]
    if len(shared) < 3 or len(set(first)) < 2 or len(set(second)) < 2:
        return "no correlation to tell"
    return f"Spearman rho = {number(float(stats.spearmanr(first, second).statistic))}"
