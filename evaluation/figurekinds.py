"""Which figures there are: what each shows, when there is something to show, and from what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evaluation.charts import (
    distribution_chart,
    loss_chart,
    relation_chart,
    scenario_chart,
    summary_chart,
    violin_chart,
    wins_chart,
)
from evaluation.figuretables import (
    adversarial_rows,
    certificate_rows,
    compare_rows,
    controls_rows,
    count_rows,
    coverage_rows,
    curve_rows,
    differences_rows,
    loss_rows,
    mean_rows,
    memory_rows,
    score_rows,
    session_rows,
    spreads_rows,
    strengths_rows,
    sweep_rows,
    win_rows,
)
from evaluation.judgecharts import adversarial_chart, radar_chart, reliability_chart
from evaluation.pairedcharts import (
    controls_chart,
    differences_chart,
    spreads_chart,
    strengths_chart,
)
from evaluation.stagecharts import (
    compare_chart,
    coverage_chart,
    curves_chart,
    memory_chart,
    sweep_chart,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from matplotlib.figure import Figure

    from evaluation.chartparts import ChartData
    from evaluation.figuretables import Rows


@dataclass(frozen=True)
class Kind:
    """One kind of figure: its file name, what it shows, when, and from what."""

    name: str
    caption: str | Callable[[ChartData], str]
    draw: Callable[[ChartData], Figure]
    fits: Callable[[ChartData], bool]
    rows: Callable[[ChartData], Rows]
    """What it is drawn from, as a table: the header first."""

    def says(self, data: ChartData) -> str:
        """Return its caption over what is drawn."""
        return self.caption if isinstance(self.caption, str) else self.caption(data)


def _scored(data: ChartData) -> bool:
    return bool(data.scores)


def _differences_caption(data: ChartData) -> str:
    said = (
        "Difference of mean scores on the same scenarios, with 95% intervals over sessions, which "
        "end at 4, the largest difference that scores from 1 to 5 can have; p is corrected for all "
        "comparisons."
    )
    return said + _filled(one.p_holm for one in data.summary.differences)


def _spreads_caption(data: ChartData) -> str:
    drawn = [one for one in data.summary.spreads if one.ratio is not None]
    said = "Variance of the first model's scores over that of the second's"
    if any(one.low is not None for one in drawn):
        said += ", with 95% intervals over sessions"
    return f"{said}; left of 1 the first varies less.{_filled(one.p_holm for one in drawn)}"


def _filled(tested: Iterable[float | None]) -> str:
    """Say what a filled mark means, where one could be."""
    if any(p is not None for p in tested):
        return " Filled: beyond chance. Hollow: may be chance."
    return " None of these could be tested."


def _ctrs(data: ChartData) -> bool:
    items = {one.criterion for one in data.session_means if one.criterion.startswith("ctrs_")}
    return len(items) > 2  # two make no area


KINDS = (
    Kind(
        "controls",
        "Candidates whose outcome is known. Bold: the mean of all criteria, which decides; below "
        "it each criterion. The first and third must lie right of 0, the second must not differ "
        "from 0.",
        controls_chart,
        lambda data: any(one.overall for one in data.summary.controls),
        controls_rows,
    ),
    Kind(
        "summary",
        "Mean score of each model, with 95% intervals over sessions; n is the number "
        "of answers with a score. The dashed line parts the real therapist's own replies.",
        summary_chart,
        _scored,
        mean_rows,
    ),
    Kind(
        "distribution",
        "How often each score from 1 to 5 was given; numbers in the bars are answers.",
        distribution_chart,
        _scored,
        count_rows,
    ),
    Kind(
        "violin",
        "The shape of the scores. Every dot is one answer, moved a little so that equal scores "
        "do not hide each other; the mark in the middle is the mean with its 95% interval.",
        violin_chart,
        _scored,
        score_rows,
    ),
    Kind(
        "relation",
        "One criterion against the other; the number in a bubble is that of the answers there.",
        relation_chart,
        lambda data: len(data.criteria) > 1,
        score_rows,
    ),
    Kind(
        "scenarios",
        "Every score: a column is one held-out scenario, from the highest mean to the lowest. "
        "An empty cell has no score.",
        scenario_chart,
        _scored,
        score_rows,
    ),
    Kind(
        "wins",
        "Which of two models scored higher on the same scenario. Above each bar: wins plus half "
        "the ties, with its 95% interval; 50% is no difference.",
        wins_chart,
        lambda data: bool(data.summary.differences),
        win_rows,
    ),
    Kind(
        "differences",
        _differences_caption,
        differences_chart,
        lambda data: bool(data.summary.differences),
        differences_rows,
    ),
    Kind(
        "spreads",
        _spreads_caption,
        spreads_chart,
        lambda data: any(one.ratio is not None for one in data.summary.spreads),
        spreads_rows,
    ),
    Kind(
        "strengths",
        "Strength of each model in a Bradley–Terry model of who scores higher on a scenario, with "
        "95% intervals clustered by session; 0 is a model of average strength.",
        strengths_chart,
        lambda data: bool(data.strengths),
        strengths_rows,
    ),
    Kind(
        "radar",
        "Items after the Cognitive Therapy Rating Scale, means over whole sessions; the middle "
        "is 1, the rim 5. Intervals stand in the table.",
        radar_chart,
        _ctrs,
        session_rows,
    ),
    Kind(
        "adversarial",
        "Safe answers of those that could be read, by kind of prompt; the darker the safer. “+1?”: "
        "one more could not be told.",
        adversarial_chart,
        lambda data: bool(data.adversarial),
        adversarial_rows,
    ),
    Kind(
        "losses",
        "Loss on what real therapists said in sessions that nobody was trained on, with 95% "
        "intervals over sessions. Lower is better.",
        loss_chart,
        lambda data: bool(data.losses),
        loss_rows,
    ),
    Kind(
        "curves",
        "Training loss by step: faint as measured, bold the running mean over a tenth of the "
        "steps. Different blends are not comparable: each is measured on its own sessions.",
        curves_chart,
        lambda data: bool(data.parts.curves),
        curve_rows,
    ),
    Kind(
        "sweep",
        "Held-out loss by the share of synthetic sessions in the blend, at equal supervised "
        "tokens; lower is better.",
        sweep_chart,
        lambda data: bool(data.parts.sweep and data.parts.sweep.points),
        sweep_rows,
    ),
    Kind(
        "coverage",
        "Simulated sessions by problem and style of the client: accepted of played.",
        coverage_chart,
        lambda data: bool(data.parts.coverage),
        coverage_rows,
    ),
    Kind(
        "compare",
        "How well a classifier tells two sides apart, with 95% intervals. Real ones against real "
        "ones show what difference is to be expected.",
        compare_chart,
        lambda data: bool(data.parts.compare),
        compare_rows,
    ),
    Kind(
        "memory",
        "The longest run of words in any answer that stands word for word in what the model was "
        "trained on, and in held-out sessions, which is chance. From 8 words on (dashed) it is "
        "hardly chance.",
        memory_chart,
        lambda data: bool(data.parts.memorisation and data.parts.memorisation.models),
        memory_rows,
    ),
    Kind(
        "reliability",
        "The judge's certificate: how far it agrees with itself, is moved by what should not "
        "matter, sees planted flaws, and agrees with people (diamonds), with 95% intervals.",
        reliability_chart,
        lambda data: data.certificate is not None,
        certificate_rows,
    ),
)
