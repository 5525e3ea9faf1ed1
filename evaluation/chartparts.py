"""What several figures share: the data they draw from, panels, rows, bars and legends."""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import fill
from typing import TYPE_CHECKING

from evaluation.criterionnames import name_of
from evaluation.parts import Parts
from evaluation.statistics import ordered
from evaluation.style import FAINT, LOSS, ON_COLOURS, SCORES, TIE, WIN
from evaluation.summary import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from evaluation.certificate.certificate import Certificate
    from evaluation.losses import HeldOutLoss
    from evaluation.scores import Scores
    from evaluation.summary import Difference, Mean, SafetyShare, Strength, Summary


MOST_PANELS = 3
PANEL_CHARS = 26
"""Letters of a heading that fit over the narrowest panel."""


@dataclass(frozen=True)
class ChartData:
    """What the figures draw from."""

    summary: Summary
    scores: Scores
    losses: tuple[HeldOutLoss, ...] = ()
    parts: Parts = field(default_factory=Parts)
    """What other stages have written."""
    certificate: Certificate | None = None
    session_means: tuple[Mean, ...] = ()
    """Scores of whole sessions."""
    adversarial: tuple[SafetyShare, ...] = ()
    strengths: tuple[Strength, ...] = ()
    """From the judge's own comparisons where there are some, else from who scored higher."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Names of criteria by key."""

    @property
    def criteria(self) -> list[str]:
        """Criteria that have a score, at most `MOST_PANELS`: more are not legible side by side."""
        return sorted({criterion for _, criterion in self.scores})[:MOST_PANELS]

    @property
    def variants(self) -> list[str]:
        """Variants that have a score, as they are shown."""
        return ordered(variant for variant, _ in self.scores)

    def heading(self, criterion: str) -> str:
        """Return a criterion's name as it stands over a panel, in lines that fit there."""
        name = name_of(criterion, self.names)
        return fill(f"{name[0].upper()}{name[1:]}", PANEL_CHARS)

    def mean(self, variant: str, criterion: str) -> Mean | None:
        """Return the mean of one variant, or None when nothing of it was scored."""
        for mean in self.summary.means:
            if (mean.variant, mean.criterion) == (variant, criterion):
                return mean
        return None


def panels(figure: Figure, data: ChartData) -> list[tuple[Axes, str]]:
    """Return one panel beside the other, one for each criterion."""
    grid = figure.subplots(1, len(data.criteria), squeeze=False)
    return list(zip(grid[0], data.criteria, strict=True))


def variant_rows(axes: Axes, data: ChartData, criterion: str) -> None:
    """Name the rows, in the first panel; the others say how many answers each has."""
    names = [count_label(data, variant, criterion) for variant in reversed(data.variants)]
    if criterion == data.criteria[0]:
        rows = zip(reversed(data.variants), names, strict=True)
        names = [f"{variant} ({name})" for variant, name in rows]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.3)
    axes.tick_params(axis="y", length=0)
    if REFERENCE in data.variants and len(data.variants) > 1:
        axes.axhline(0.6, color=FAINT, lw=0.8, ls="--")


def count_label(data: ChartData, variant: str, criterion: str) -> str:
    """Return how many answers have a score, e.g. `n = 38`."""
    mean = data.mean(variant, criterion)
    return f"n = {mean.n if mean else 0}"


def score_axis(axes: Axes) -> None:
    """Lay the scale from 1 to 5 along x."""
    axes.set_xlim(0.8, 5.2)
    axes.set_xticks(range(1, 6))
    axes.set_xlabel("mean score")
    axes.grid(axis="x")


def arms(middle: float, low: float, high: float) -> list[list[float]]:
    """Return the two sides of an interval as matplotlib takes them."""
    return [[max(0.0, middle - low)], [max(0.0, high - middle)]]


def win_bar(axes: Axes, place: float, counts: tuple[int, int, int]) -> None:
    """Draw wins, ties and losses as one bar of 100%."""
    left, total = 0.0, sum(counts)
    for count, shade, ink in zip(
        counts, (WIN, TIE, LOSS), ("#ffffff", "#111111", "#111111"), strict=True
    ):
        share = 100 * count / total
        axes.barh(place, share, left=left, height=0.5, color=shade)
        if share >= 8:
            axes.text(
                left + share / 2, place, str(count), ha="center", va="center", color=ink,
                fontsize=7.5,
            )  # fmt: skip
        left += share


def win_label(axes: Axes, height: float, one: Difference) -> None:
    """Write the share of wins with its interval above a bar, and mark the half."""
    share, low, high = (100 * value for value in (one.win_share, one.win_low, one.win_high))
    axes.text(0, height, f"{share:.0f}% [{low:.0f}, {high:.0f}]", fontsize=7.5, va="center")
    axes.text(100, height, f"n = {one.n}", fontsize=7.5, va="center", ha="right")
    axes.plot([50, 50], [height - 0.7, height - 0.14], color=ON_COLOURS, lw=0.8, ls=":")


def score_legend(figure: Figure) -> None:
    """Explain the colours of the scores."""
    legend(figure, {f"score {score}": shade for score, shade in enumerate(SCORES, start=1)})


def legend(figure: Figure, entries: dict[str, str]) -> None:
    """Explain colours below the panels."""
    from matplotlib.patches import Patch

    handles = [Patch(color=shade, label=name) for name, shade in entries.items()]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=len(entries), frameon=False,
        handlelength=1.0, columnspacing=1.4,
    )  # fmt: skip
