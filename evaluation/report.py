"""The report: one self-contained page that says what was found, how sure it is, and from what."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from corpus.files import write_text
from evaluation.certificate.lines import lines_of, remarks_of
from evaluation.criterionnames import name_of
from evaluation.figures import draw_figures
from evaluation.phrases import bounds, number, p_value
from evaluation.reportdata import gather
from evaluation.resampling import FEW_GROUPS
from evaluation.summary import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from domain.runfolder import RunFolder
    from domain.settings import Settings
    from evaluation.figures import Drawn
    from evaluation.reportdata import ReportData
    from evaluation.summary import Difference, EvaluationSummary, Mean, Spread

TEMPLATES = Path(__file__).resolve().parent / "templates"
MOST_TRAILS = 500
"""Verdicts on one model listed in the page; all of them stand in verdicts.jsonl."""


@dataclass(frozen=True)
class Written:
    """What was written, and where."""

    page: Path
    markdown: Path
    data: Path
    figures: Path
    report: ReportData


def write_report(settings: Settings, folder: RunFolder) -> Path:
    """Write everything, and return the page; see `write_all`."""
    return write_all(settings, folder).page


def write_all(settings: Settings, folder: RunFolder) -> Written:
    """Write `report.html`, `report.md`, the figures, and `report.json`; ask no model.

    Nothing in the page is fetched from anywhere, and nothing in it can run: every value is
    escaped and the page forbids scripts. Of held-out conversations it shows short excerpts; the
    Markdown shows none.

    Raises:
        EvaluationError: Nothing was evaluated yet.
        StoreError: A file cannot be read or written.
    """
    data, charts = gather(settings, folder)
    figures = draw_figures(charts, folder.evaluation / "figures")
    written = Written(
        page=folder.report,
        markdown=folder.report.with_suffix(".md"),
        data=folder.evaluation / "report.json",
        figures=folder.evaluation / "figures",
        report=data,
    )
    write_text(written.data, data.model_dump_json(indent=2) + "\n")
    write_text(written.page, render(data, figures, run=folder.root.name))
    write_text(written.markdown, render_markdown(data, run=folder.root.name))
    return written


def render(data: ReportData, figures: Sequence[Drawn], *, run: str) -> str:
    """Return the page as HTML.

    Args:
        data: What it says.
        figures: What it shows.
        run: The run's name, for the commands to follow.
    """
    kept: Counter[str] = Counter()
    anchors = set()
    for one in data.trails:
        kept[one.variant] += 1
        if kept[one.variant] <= MOST_TRAILS:
            anchors.add(one.anchor)
    return (
        _environment(escaped=True)
        .get_template("report.html.j2")
        .render(
            **_shared(data, run),
            figures=figures,
            css=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
            most=MOST_TRAILS,
            anchors=anchors,
            lines=lines_of(data.certificate) if data.certificate else (),
            remarks_on_judge=remarks_of(data.certificate) if data.certificate else (),
        )
    )


def render_markdown(data: ReportData, *, run: str) -> str:
    """Return the part of the report that belongs in a model card: no one's words, no figures."""
    return _environment(escaped=False).get_template("report.md.j2").render(**_shared(data, run))


def _environment(*, escaped: bool) -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=escaped,  # noqa: S701 - Markdown has no markup to escape; names are cut to code
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shared(data: ReportData, run: str) -> dict[str, Any]:
    return {
        "data": data,
        "s": data.summary,
        "reference": REFERENCE,
        "run": shlex.quote(run),
        "num": number,
        "bounds": bounds,
        "p": p_value,
        "counted": counted,
        "words": words,
        "notes_of": notes_of,
        "letter": letter,
        "titled": partial(name_of, names=data.criteria),
        "shown": shown,
        "intervals": _intervals(data.summary),
        "judges": ", ".join(data.summary.panel) or data.summary.judge,
    }


def _intervals(summary: EvaluationSummary) -> str:
    """Say how the intervals came about: in the page and in the card with the same words."""
    said = "95%, over sessions"
    if summary.groups < FEW_GROUPS:
        return f"{said}, which are fewer than {FEW_GROUPS}: Student's t"
    return f"{said}, by {summary.statistics.bootstrap_samples} bootstrap samples"


def notes_of(found: Sequence[Mean | Difference | Spread]) -> list[str]:
    """Return what must be said beside some rows of a table, each once, in their order."""
    return list(dict.fromkeys(one.note for one in found if one.note))


def letter(note: str, found: Sequence[Mean | Difference | Spread]) -> str:
    """Return the letter that marks a row with `note`; none where it holds for the whole table."""
    if not note or all(one.note == note for one in found):
        return ""
    return ascii_lowercase[notes_of(found).index(note)]


def words(key: str) -> str:
    """Write a key as words."""
    return key.replace("_", " ")


def shown(score: float | None) -> str:
    """Write one score: whole points without decimals."""
    if score is None:
        return "no verdict"
    return f"{score:g}" if score == int(score) else number(score)


def counted(counts: Mapping[str, int]) -> str:
    """Write counts by name, e.g. `high 82, low 16`."""
    return ", ".join(f"{name} {count}" for name, count in counts.items())
