"""Figures of comparisons: differences, spreads, strengths, and the controls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation.chartparts import arms, panels
from evaluation.criterionnames import name_of
from evaluation.phrases import number, p_value
from evaluation.style import FAINT, INK, colour, marker, new_figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from evaluation.chartparts import ChartData
    from evaluation.summary import Control, ControlFigure, Difference, Spread

PASSED, FAILED, OPEN = "#009E73", "#D55E00", "#8a8a92"
OUTCOMES = {True: (PASSED, "o", "as it must"), False: (FAILED, "X", "not as it must"),
            None: (OPEN, "s", "not decided")}  # fmt: skip


def differences_chart(data: ChartData) -> Figure:
    """Paired differences with 95% intervals, a panel for each criterion; filled beyond chance."""
    found = data.summary.differences
    pairs = list(dict.fromkeys((one.variant, one.against) for one in found))
    figure = new_figure(1.0 + 0.4 * len(pairs))
    reach = max(0.5, *(max(abs(one.low), abs(one.high)) for one in found)) * 1.12
    for axes, criterion in panels(figure, data):
        for place, pair in enumerate(reversed(pairs)):
            for one in found:
                if (one.variant, one.against, one.criterion) != (*pair, criterion):
                    continue
                shade = colour(one.variant)
                axes.errorbar(
                    one.mean, place, xerr=arms(one.mean, one.low, one.high),
                    fmt=marker(one.variant), color=shade, markersize=6.5, capsize=3,
                    markerfacecolor=shade if one.significant else "white", markeredgewidth=1.3,
                )  # fmt: skip
                told = f"p {p_value(one.p_holm)}" if one.tested else "not tested"
                _above(axes, one.mean, place, f"{number(one.mean, signed=True)}, {told}")
        _rows(axes, pairs, found, first=criterion == data.criteria[0])
        axes.axvline(0, color=FAINT, lw=0.9)
        axes.set_xlim(-reach, reach)
        axes.set_xlabel("difference of mean scores")
        axes.grid(axis="x")
        axes.set_title(data.heading(criterion))
    return figure


def spreads_chart(data: ChartData) -> Figure:
    """Variance ratios with 95% intervals on a log scale; left of 1 the first varies less."""
    from matplotlib.ticker import NullFormatter, NullLocator

    found = [one for one in data.summary.spreads if one.ratio is not None]
    pairs = list(dict.fromkeys((one.variant, one.against) for one in found))
    figure = new_figure(1.0 + 0.4 * len(pairs))
    for axes, criterion in panels(figure, data):
        for place, pair in enumerate(reversed(pairs)):
            for one in found:
                if (one.variant, one.against, one.criterion) != (*pair, criterion):
                    continue
                ratio, shade = one.ratio or 1.0, colour(one.variant)
                low, high = one.low or ratio, one.high or ratio
                axes.errorbar(
                    ratio, place, xerr=arms(ratio, low, high), fmt=marker(one.variant),
                    color=shade, markersize=6.5, capsize=3, markeredgewidth=1.3,
                    markerfacecolor=shade if one.significant else "white",
                )  # fmt: skip
                told = f"p {p_value(one.p_holm)}" if one.p_holm is not None else "not tested"
                _above(axes, ratio, place, f"{ratio:.2f}, {told}")
        _rows(axes, pairs, found, first=criterion == data.criteria[0])
        axes.set_xscale("log", base=2)
        axes.set_xlim(1 / 9, 9)
        axes.set_xticks([0.125, 0.25, 0.5, 1, 2, 4, 8], ["⅛", "¼", "½", "1", "2", "4", "8"])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.axvline(1, color=FAINT, lw=0.9)
        axes.grid(axis="x")
        axes.set_xlabel("variance ratio")
        axes.set_title(data.heading(criterion))
    return figure


def strengths_chart(data: ChartData) -> Figure:
    """Bradley-Terry strengths with 95% intervals."""
    found = data.strengths
    criteria = list(dict.fromkeys(one.criterion for one in found))
    names = [name for name in data.variants if any(one.variant == name for one in found)]
    figure = new_figure(0.95 + 0.36 * len(names))
    grid = figure.subplots(1, len(criteria), squeeze=False, sharex=True)
    for axes, criterion in zip(grid[0], criteria, strict=True):
        for place, name in enumerate(reversed(names)):
            for one in found:
                if (one.variant, one.criterion) != (name, criterion):
                    continue
                axes.errorbar(
                    one.strength, place, xerr=arms(one.strength, one.low, one.high),
                    fmt=marker(name), color=colour(name), markersize=6.5, capsize=3,
                )  # fmt: skip
                _above(axes, one.strength, place, number(one.strength, signed=True))
        games = next(one.comparisons for one in found if one.criterion == criterion)
        labels = list(reversed(names)) if criterion == criteria[0] else []
        axes.set_yticks(range(len(names)), labels)
        axes.set_ylim(-0.6, len(names) - 0.2)
        axes.tick_params(axis="y", length=0)
        axes.axvline(0, color=FAINT, lw=0.9)
        axes.margins(x=0.15)
        axes.grid(axis="x")
        axes.set_xlabel("log odds of winning")
        axes.set_title(f"{data.heading(criterion)} (n = {games} comparisons each)")
    return figure


def controls_chart(data: ChartData) -> Figure:
    """How far the two candidates of each control are apart, on all criteria and on each."""
    rows = [
        (control, one)
        for control in data.summary.controls
        for one in ([control.overall] if control.overall else []) + list(control.by_criterion)
    ]
    figure = new_figure(0.95 + 0.31 * len(rows))
    axes = figure.subplots()
    reach = max(0.5, *(max(abs(one.low), abs(one.high)) for _, one in rows)) * 1.15
    for place, (control, one) in enumerate(reversed(rows)):
        shade, shape, _ = OUTCOMES[control.passed]
        whole = one is control.overall
        axes.errorbar(
            one.mean, place, xerr=arms(one.mean, one.low, one.high), capsize=3,
            fmt=shape if whole else ".", color=shade if whole else FAINT,
            markersize=7 if whole else 6,
        )  # fmt: skip
        axes.text(reach * 1.03, place, f"p {p_value(one.p)}", fontsize=7.5, va="center", color=INK)
    axes.set_yticks(
        range(len(rows)), [_row(*row, data.names) for row in reversed(rows)], fontsize=8
    )
    for tick, (control, one) in zip(axes.get_yticklabels(), reversed(rows), strict=True):
        tick.set_fontweight("bold" if one is control.overall else "normal")
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.tick_params(axis="y", length=0)
    axes.axvline(0, color=FAINT, lw=0.9)
    axes.set_xlim(-reach, reach)
    axes.grid(axis="x")
    axes.set_xlabel("difference of mean scores")
    _outcome_legend(figure, data.summary.controls)
    return figure


def _row(control: Control, one: ControlFigure, names: Mapping[str, str]) -> str:
    if one is control.overall:
        return f"{control.name} (n = {one.n})"
    return name_of(one.criterion, names)


def _outcome_legend(figure: Figure, controls: Sequence[Control]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=shade, marker=shape, ls="", label=label)
        for outcome, (shade, shape, label) in OUTCOMES.items()
        if any(one.passed is outcome for one in controls)
    ]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=len(handles), frameon=False,
        handlelength=1.0,
    )  # fmt: skip


def _above(axes: Axes, x: float, y: float, text: str) -> None:
    axes.annotate(
        text, (x, y), (0, 6), textcoords="offset points", ha="center", fontsize=7.2,
        annotation_clip=True,
    )  # fmt: skip


def _rows(
    axes: Axes,
    pairs: Sequence[tuple[str, str]],
    found: Sequence[Difference] | Sequence[Spread],
    *,
    first: bool,
) -> None:
    """Name the comparisons in the first panel, with the scenarios behind each."""
    names = []
    for pair in reversed(pairs):
        counts = {one.n for one in found if (one.variant, one.against) == pair}
        span = "–".join(str(count) for count in sorted({min(counts), max(counts)}))
        names.append(f"{pair[0]} − {pair[1]}\n(n = {span})")  # noqa: RUF001
    axes.set_yticks(range(len(pairs)), names if first else [], fontsize=8)
    axes.set_ylim(-0.5, len(pairs) - 0.25)
    axes.tick_params(axis="y", length=0)
