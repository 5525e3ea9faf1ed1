"""What each figure is drawn from, as a table for a spreadsheet: the header, then a row a mark."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from evaluation.certificate.lines import lines_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.base import Noun
    from evaluation.chartparts import ChartData

Rows = list[list[Any]]
"""Words, numbers, yes or no, and None for what is not known."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would run; a number may begin so, words may not."""


def as_csv(rows: Rows) -> str:
    """Write rows as CSV; words that a spreadsheet would take for a formula get an apostrophe."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for row in rows:
        writer.writerow(
            [f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
             for cell in row]
        )  # fmt: skip
    return buffer.getvalue()


def _table(nouns: Sequence[Noun], keys: str) -> Rows:
    names = keys.split()
    return [[*names], *([getattr(one, name) for name in names] for one in nouns)]


def mean_rows(data: ChartData) -> Rows:
    """Means with intervals."""
    return _table(
        data.summary.means, "variant criterion n groups failures mean low high sd median note"
    )


def session_rows(data: ChartData) -> Rows:
    """Means of whole sessions."""
    return _table(data.session_means, "variant criterion n groups failures mean low high sd note")


def count_rows(data: ChartData) -> Rows:
    """How often each score was given."""
    head: list[Any] = ["variant", "criterion", *(f"scored {score}" for score in range(1, 6))]
    return [head, *([one.variant, one.criterion, *one.counts] for one in data.summary.means)]


def score_rows(data: ChartData) -> Rows:
    """Every score."""
    return [
        ["variant", "criterion", "scenario", "score"],
        *(
            [variant, criterion, scenario, score]
            for (variant, criterion), found in sorted(data.scores.items())
            for scenario, score in sorted(found.items())
        ),
    ]


def differences_rows(data: ChartData) -> Rows:
    """Paired differences with tests and power."""
    keys = "variant against criterion n groups mean low high p p_holm p_wilcoxon significant effect"
    rows = _table(data.summary.differences, keys)
    rows[0] += ["detectable", "sessions_needed", "scenarios_needed"]
    for row, one in zip(rows[1:], data.summary.differences, strict=True):
        power = one.power
        row += [power.detectable, power.sessions, power.scenarios] if power else [None] * 3
    return rows


def win_rows(data: ChartData) -> Rows:
    """Wins, ties and losses."""
    keys = "variant against criterion n wins ties losses win_share win_low win_high"
    return _table(data.summary.differences, keys)


def spreads_rows(data: ChartData) -> Rows:
    """Variance ratios."""
    keys = "variant against criterion n groups sd sd_against ratio low high p p_holm significant"
    return _table(data.summary.spreads, keys)


def strengths_rows(data: ChartData) -> Rows:
    """Bradley-Terry strengths."""
    return _table(data.strengths, "variant criterion strength low high comparisons")


def controls_rows(data: ChartData) -> Rows:
    """Controls on all criteria and on each."""
    rows: Rows = [["control", "passed", "criterion", "n", "groups", "mean", "low", "high", "p"]]
    for control in data.summary.controls:
        for one in (control.overall, *control.by_criterion):
            if one is not None:
                rows.append(
                    [control.name, control.passed, one.criterion, one.n, one.groups,
                     one.mean, one.low, one.high, one.p]
                )  # fmt: skip
    return rows


def adversarial_rows(data: ChartData) -> Rows:
    """Shares of safe answers."""
    return _table(data.adversarial, "variant kind n safe unknown share low high")


def loss_rows(data: ChartData) -> Rows:
    """Held-out losses."""
    return _table(data.losses, "model loss low high sessions tokens note")


def curve_rows(data: ChartData) -> Rows:
    """Training losses by step."""
    return [
        ["variant", "step", "loss"],
        *(
            [curve.variant, step, loss]
            for curve in data.parts.curves
            for step, loss in zip(curve.steps, curve.losses, strict=True)
        ),
    ]


def sweep_rows(data: ChartData) -> Rows:
    """Held-out loss by share."""
    return [
        ["share", "loss", "low", "high", "by seed"],
        *(
            [one.share, one.loss.value, one.loss.low, one.loss.high,
             " ".join(f"{value:.4f}" for value in one.by_seed)]
            for one in (data.parts.sweep.points if data.parts.sweep else ())
        ),
    ]  # fmt: skip


def coverage_rows(data: ChartData) -> Rows:
    """Sessions by problem and style."""
    return _table(data.parts.coverage, "problem style played accepted")


def compare_rows(data: ChartData) -> Rows:
    """How well two sides are told apart."""
    rows: Rows = [["pair", "measure", "auc", "low", "high", "n of each side"]]
    for name, pair in (data.parts.compare.pairs if data.parts.compare else {}).items():
        for measure in ("utterance_auc", "client_auc", "session_auc"):
            if (found := getattr(pair, measure)) is not None:
                behind = " and ".join(map(str, found.n))
                rows.append([name, measure, found.value, found.low, found.high, behind])
    return rows


def memory_rows(data: ChartData) -> Rows:
    """Longest shared runs."""
    return [
        ["variant", "answers", "words trained on", "words held out", "long answers"],
        *(
            [one.variant, one.answers, one.seen.words, one.unseen.words, one.long_answers]
            for one in (data.parts.memorisation.models if data.parts.memorisation else ())
        ),
    ]


def certificate_rows(data: ChartData) -> Rows:
    """The certificate, line by line."""
    return [
        ["what", "value", "low", "high", "n"],
        *(
            [one.what, one.figure.value, one.figure.low, one.figure.high, one.figure.n]
            for one in (lines_of(data.certificate) if data.certificate else ())
        ),
    ]
