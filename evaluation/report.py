"""The report: one self-contained page that says what was found, how sure it is, and from what."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from corpus.files import write_text
from evaluation.certificate.lines import lines_of, remarks_of
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

TEMPLATES = Path(__file__).resolve().parent / "templates"
MOST_TRAILS = 1000
"""Verdicts listed in the page; all of them stand in verdicts.jsonl."""


def write_report(settings: Settings, folder: RunFolder) -> Path:
    """Write `report.html`, its figures as PNG and SVG, and `report.json`; ask no model.

    Nothing in the page is fetched from anywhere, and nothing in it can run: every value is
    escaped and the page forbids scripts. Of held-out conversations it shows short excerpts.

    Returns:
        The page, `folder.report`.

    Raises:
        EvaluationError: Nothing was evaluated yet.
        StoreError: A file cannot be read or written.
    """
    data, charts = gather(settings, folder)
    figures = draw_figures(charts, folder.evaluation / "figures")
    write_text(folder.evaluation / "report.json", data.model_dump_json(indent=2) + "\n")
    write_text(folder.report, render(data, figures, run=folder.root.name))
    return folder.report


def render(data: ReportData, figures: Sequence[Drawn], *, run: str) -> str:
    """Return the page as HTML.

    Args:
        data: What it says.
        figures: What it shows.
        run: The run's name, for the commands to follow.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        data=data,
        s=data.summary,
        figures=figures,
        css=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        reference=REFERENCE,
        run=shlex.quote(run),
        most=MOST_TRAILS,
        few=FEW_GROUPS,
        num=number,
        bounds=bounds,
        p=p_value,
        counted=counted,
        lines=lines_of(data.certificate) if data.certificate else (),
        remarks_on_judge=remarks_of(data.certificate) if data.certificate else (),
    )


def counted(counts: Mapping[str, int]) -> str:
    """Write counts by name, e.g. `high 82, low 16`."""
    return ", ".join(f"{name} {count}" for name, count in counts.items())
