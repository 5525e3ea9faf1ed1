from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from domain.errors import EvaluationError
from domain.runfolder import RunFolder
from domain.settings import Settings
from evaluation.phrases import notices
from evaluation.report import write_report
from evaluation.reportdata import read_summary
from tests.evaluation.invented_run import HOSTILE, REFERENCE_TEXT, make_run

if TYPE_CHECKING:
    from pathlib import Path


class Reader(HTMLParser):
    """Collects tags, attributes and the visible text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self._style = tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._style and data.strip():
            self.text.append(" ".join(data.split()))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(*make_run(tmp_path_factory.mktemp("run"), scenarios=40))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with hostile text, over and over, wherever text can stand."""
    said = f"{HOSTILE} and then she left {HOSTILE} " * 8
    return write_report(*make_run(tmp_path_factory.mktemp("hostile"), scenarios=6, said=said))


def read(page: Path) -> Reader:
    reader = Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    return reader


def test_the_first_lines_give_the_answer_and_what_it_is_worth(page: Path) -> None:
    reader = read(page)
    start = reader.text.index("What the models learned: invented")
    first = " ".join(reader.text[start : start + 8])
    assert "Hybrid and real-only cannot be told apart on empathy" in first
    assert "95% interval" in first
    assert "Hybrid scores higher than the untrained base" in first
    assert "understudy" in first
    assert "not evidence about language models" in first
    assert "proves that the plumbing works, not that the method does" in first


def test_hostile_text_is_inert(hostile: Path) -> None:
    reader = read(hostile)
    assert not {"script", "img", "iframe", "object", "link"} & set(reader.tags)
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    text = " ".join(reader.text)
    assert "<script>alert(1)</script>" in text
    assert "{{ 7 * 7 }}" in text


def test_nothing_is_fetched_from_anywhere(page: Path) -> None:
    html = page.read_text(encoding="utf-8")
    loading = [
        value
        for name, value in read(page).attributes
        if name in ("src", "href", "xlink:href", "data", "action") and not value.startswith("#")
    ]
    assert loading == []
    assert not re.search(r"url\((?!#)|@import", html)
    assert "default-src 'none'" in html


def test_real_words_are_shown_in_short_excerpts_only(hostile: Path, page: Path) -> None:
    html = page.read_text(encoding="utf-8")
    assert REFERENCE_TEXT.strip() not in html
    assert str(page.parent) not in html
    assert hostile.read_text(encoding="utf-8").count("and then she left") < 3 * 8


def test_the_page_says_what_became_of_everything(page: Path) -> None:
    text = " ".join(read(page).text)
    assert "planned 6 accepted as first played 2 accepted after a rewind 1 rejected" in text
    assert "failed the gate “crisis protocol” 1" in text
    assert "of these, client: timeout 1" in text
    assert "high 10, low 2 annomi 12 unstated 12" in text
    assert "Signed off by R. Reader" in text
    assert "Not significant" in text
    assert "invalid" in text  # a judge's failure by reason


def test_every_verdict_carries_its_ids(page: Path) -> None:
    html = page.read_text(encoding="utf-8")
    data = json.loads((RunFolder(page.parent).evaluation / "report.json").read_text())
    assert len(data["trails"]) == 40 * 5 * 2
    for trail in data["trails"]:
        assert trail["scenario"] in html
        assert trail["record"] in html
        assert trail["verdict_call"] in html
        assert trail["model"] or trail["variant"] == "reference"


def test_another_judge_and_a_real_base_take_the_warnings_away(tmp_path: Path) -> None:
    settings, folder = make_run(
        tmp_path,
        roles={name: {"model": f"model-{name}"} for name in _ROLES},
        training={"base": "some/base"},
    )
    assert [one[:22] for one in notices(settings, read_summary(folder))] == [
        "No controls were judged"[:22]
    ]


def test_a_judge_that_is_the_supervisor_is_warned_of(tmp_path: Path) -> None:
    settings, folder = make_run(
        tmp_path, roles={name: {"model": "one-model"} for name in _ROLES}, training={"base": "b"}
    )
    said = " ".join(notices(settings, read_summary(folder)))
    assert "Judge and supervisor are the same model" in said


def test_few_sessions_and_missing_parts_still_make_a_page(tmp_path: Path) -> None:
    settings, folder = make_run(tmp_path, scenarios=4)
    for path in (folder.sessions, folder.synthetic, folder.sign_off):
        path.unlink()
    (folder.training / "held-out.json").unlink()
    text = " ".join(read(write_report(settings, folder)).text)
    assert "come from only 2 held-out sessions" in text
    assert "No campaign was played in this run." in text
    assert "Not measured in this run." in text


def test_nothing_to_report_is_said(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="nothing to report"):
        write_report(Settings(name="empty"), RunFolder(tmp_path))


_ROLES = ("client", "therapist", "supervisor", "judge")
