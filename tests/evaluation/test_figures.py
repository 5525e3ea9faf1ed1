from __future__ import annotations

import csv
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import TYPE_CHECKING

import matplotlib as mpl
import pytest

from evaluation.chartparts import ChartData
from evaluation.figurekinds import KINDS
from evaluation.figures import Drawn, draw_figures
from evaluation.figuretables import as_csv
from evaluation.statistics import summarise
from evaluation.style import styled
from evaluation.summary import Spread
from tests.evaluation.invented import chart_data

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("figures")


@pytest.fixture(scope="module")
def drawn(folder: Path) -> list[Drawn]:
    return draw_figures(chart_data(12), folder)


@pytest.mark.slow
@pytest.mark.usefixtures("drawn")
def test_every_figure_is_written_twice_the_same(folder: Path, tmp_path: Path) -> None:
    draw_figures(chart_data(12), tmp_path)
    names = sorted(path.name for path in folder.iterdir())
    shown = [kind.name for kind in KINDS if kind.fits(chart_data(12))]
    assert names == sorted(f"{name}.{end}" for name in shown for end in ("csv", "png", "svg"))
    for name in names:
        assert (folder / name).read_bytes() == (tmp_path / name).read_bytes()


@pytest.mark.usefixtures("drawn")
def test_svg_keeps_text_as_text_and_carries_no_date(folder: Path) -> None:
    svg = (folder / "summary.svg").read_text()
    assert "hybrid (n = " in svg
    assert "dc:date" not in svg


def test_inline_figures_share_no_ids_and_take_the_pages_colours(drawn: list[Drawn]) -> None:
    seen: set[str] = set()
    for figure in drawn:
        ET.fromstring(figure.svg)  # noqa: S314 - our own figures
        ids = set(re.findall(r'\bid="([^"]+)"', figure.svg))
        assert not ids & seen
        seen |= ids
        used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', figure.svg))
        assert used <= ids
        assert "currentColor" in figure.svg


@pytest.mark.parametrize(
    "levels",
    [
        {"base": 1.0},
        {"base": 1.0, "hybrid": 1.0, "reference": 5.0},
        {"base": -9.0, "real": -9.0, "hybrid": 9.0},
        dict.fromkeys(("base", "shuffled", "real", "synthetic", "hybrid", "a-long-name"), 3.0),
    ],
)
def test_little_or_equal_data_are_drawn_without_a_warning(
    levels: dict[str, float], recwarn: pytest.WarningsRecorder
) -> None:
    data = chart_data(3, levels, failing=0)
    with mpl.rc_context(styled()):
        for kind in KINDS:
            if kind.fits(data):
                kind.draw(data).canvas.draw()
    assert not [one for one in recwarn if "matplotlib" in str(one.filename)]


@pytest.mark.usefixtures("drawn")
def test_the_table_beside_a_figure_holds_what_is_drawn(folder: Path) -> None:
    with (folder / "summary.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    means = {(one.variant, one.criterion): one for one in chart_data(12).summary.means}
    assert len(rows) == len(means)
    for row in rows:
        assert float(row["mean"]) == means[row["variant"], row["criterion"]].mean


def test_words_that_a_spreadsheet_would_run_are_kept_as_words() -> None:
    assert as_csv([["=1+1", "-x", -1.5, "plain"]]) == "'=1+1,'-x,-1.5,plain\n"


def test_no_verdicts_draw_no_score_figures(tmp_path: Path) -> None:
    empty = ChartData(summary=summarise([], {}, samples=100, seed=0), scores={})
    assert draw_figures(empty, tmp_path) == []


def test_a_caption_promises_no_interval_that_is_not_drawn() -> None:
    (kind,) = (kind for kind in KINDS if kind.name == "spreads")
    bare = Spread(
        criterion="empathy", variant="real", against="base", sd=1.0, sd_against=2.0, ratio=0.25,
        p=None, p_holm=None, significant=False,
    )  # fmt: skip
    sure = bare.model_copy(update={"low": 0.1, "high": 0.6, "p": 0.01, "p_holm": 0.02})
    data = chart_data(3)
    for spread, promised in ((bare, False), (sure, True)):
        summary = data.summary.model_copy(update={"spreads": (spread,)})
        said = kind.says(replace(data, summary=summary))
        assert ("95% intervals" in said) is promised
        assert ("Filled" in said) is promised
