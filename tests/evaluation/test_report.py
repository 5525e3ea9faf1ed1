from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from agents.criteria import Criterion
from corpus.card import CardFacts
from corpus.export import write_export
from corpus.files import write_text
from corpus.manifest import MESSAGES, file_hash
from domain.errors import EvaluationError
from domain.record import Origin
from domain.runfolder import RunFolder
from domain.settings import Settings
from evaluation.criterionnames import name_of, names_of
from evaluation.phrases import MOST_LISTED, alarms, not_significant, notices
from evaluation.report import letter, notes_of, write_all, write_report
from evaluation.reportdata import read_summary
from evaluation.summary import Difference
from rehearsal.evaluate import show_evaluation
from tests.evaluation.invented import CONTROLS, LEVELS
from tests.evaluation.invented_run import (
    HOSTILE,
    REFERENCE_TEXT,
    add_parts,
    make_run,
    record,
    summed_up,
)

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
    settings, folder = make_run(
        tmp_path_factory.mktemp("run"), scenarios=40, levels=LEVELS | CONTROLS
    )
    add_parts(folder)
    return write_report(settings, folder)


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
    start = reader.text.index("Hybrid against real-only, on empathy and relevance")
    assert start == 1  # the page's title; then the heading, which is what was asked
    first = " ".join(reader.text[start : start + 9])
    assert "Hybrid scores higher than real-only on empathy (+" in first
    assert "95% interval" in first
    assert "Hybrid scores higher than the untrained base" in first
    assert "understudy" in first
    assert "not evidence about language models" in first
    assert "proves that the plumbing works, not that the method does" in first


def test_a_control_that_fails_stands_before_the_answer(tmp_path: Path) -> None:
    blind = LEVELS | CONTROLS | {"control-novice": 4.1}
    settings, folder = make_run(tmp_path, scenarios=40, levels=blind)
    written = write_all(settings, folder)
    text = " ".join(read(written.page).text)
    alarm = text.index("A control failed: expert against novice.")
    assert alarm < text.index("Hybrid scores higher than real-only")
    markdown = written.markdown.read_text(encoding="utf-8")
    assert markdown.index("A control failed") < markdown.index("Hybrid scores higher than real")
    assert "FAILED: not told apart" in markdown


def test_the_terminal_says_in_the_reports_words_that_a_control_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blind = LEVELS | CONTROLS | {"control-novice": 4.1}
    _, folder = make_run(tmp_path, scenarios=40, levels=blind)
    summary = read_summary(folder)
    show_evaluation(summary)
    assert alarms(summary)[0] in capsys.readouterr().out.splitlines()


def test_every_link_in_the_page_leads_somewhere(page: Path) -> None:
    attributes = read(page).attributes
    ids = [value for name, value in attributes if name == "id"]
    assert len(ids) == len(set(ids))
    links = {value[1:] for name, value in attributes if name == "href"}
    assert links <= set(ids)
    # a mean leads to its verdicts, an example to its own, a verdict to its model
    assert {"verdicts-hybrid", "model-hybrid"} <= links
    assert any(link.startswith("verdict-hybrid-empathy-") for link in links)


def test_every_model_is_shown_at_its_best_its_median_and_its_worst(page: Path) -> None:
    data = json.loads((RunFolder(page.parent).evaluation / "report.json").read_text())
    assert [one["variant"] for one in data["extremes"]] == ["base", "real", "synthetic", "hybrid"]
    for group in data["extremes"]:
        assert [pick["place"] for pick in group["picks"]] == ["Best", "Median", "Worst"]
        means = [pick["mean"] for pick in group["picks"]]
        assert means == sorted(means, reverse=True)
    shown = [one["variant"] for one in data["example"]["answers"]]
    assert shown == ["base", "real", "synthetic", "hybrid"]


def test_what_would_refute_it_is_said_in_numbers(page: Path) -> None:
    text = " ".join(read(page).text)
    assert "a repetition on other held-out sessions whose 95% interval lies wholly at or below" in (
        text
    )
    assert "Controls" in text
    assert "no certificate, so nothing says that they would not" in text


def test_what_other_stages_wrote_is_shown_and_what_is_damaged_is_named(
    page: Path, tmp_path: Path
) -> None:
    text = " ".join(read(page).text)
    assert "Real against synthetic" in text
    assert "Words said again" in text
    settings, folder = make_run(tmp_path, scenarios=4)
    add_parts(folder)
    (tmp_path / "corpus" / "compare.json").write_text('{"encoder": 4}')
    text = " ".join(read(write_report(settings, folder)).text)
    assert "Left out, since it cannot be read: corpus/compare.json: encoder" in text


def test_the_exposure_of_planted_canaries_is_shown_in_bits(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "planted 2×" in text
    assert ">2.0<" in text
    assert ">6.6<" in text


def test_the_card_holds_nobodys_words(hostile: Path) -> None:
    card = hostile.with_suffix(".md").read_text(encoding="utf-8")
    assert "| hybrid − real | empathy |" in card  # noqa: RUF001
    assert "and then she left" not in card
    assert "lay awake" not in card


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
    # eight times in every answer: an excerpt holds two or three of them
    shown = hostile.read_text(encoding="utf-8").count("and then she left")
    assert shown < 4 * (4 + 4 * 3) * 3


def test_the_page_says_what_became_of_everything(page: Path) -> None:
    text = " ".join(read(page).text)
    assert "planned 6 accepted as first played 2 accepted after a rewind 1 rejected" in text
    assert "failed the gate “crisis asked” 1" in text
    assert "of these, client: timeout 1" in text
    assert "high 10, low 2 annomi 12 unstated 12" in text
    assert "Signed off by R. Reader" in text
    assert "invalid" in text  # a judge's failure by reason


def test_every_verdict_carries_its_ids(page: Path) -> None:
    html = page.read_text(encoding="utf-8")
    data = json.loads((RunFolder(page.parent).evaluation / "report.json").read_text())
    assert len(data["trails"]) == 40 * 5 * 2  # the controls are no models under test
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
    assert notices(settings, read_summary(folder)) == (
        "No controls were judged, so nobody knows whether this judge can tell.",
    )


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


def test_page_and_card_say_with_the_same_words_where_intervals_come_from(tmp_path: Path) -> None:
    settings, folder = make_run(tmp_path, scenarios=4)
    text = " ".join(read(write_report(settings, folder)).text)
    said = "95%, over sessions, which are fewer than 10: Student's t"
    assert said in text
    card = (folder.root / "report.md").read_text()
    assert said in card
    assert "resampled" not in card


def test_criteria_are_called_by_the_names_of_their_pack(page: Path) -> None:
    names = json.loads((RunFolder(page.parent).evaluation / "report.json").read_text())["criteria"]
    assert names["ctrs_key_cognitions"] == "focusing on key cognitions or behaviours"
    found = Criterion.model_validate(
        {**LEVELS_OF_A_SCALE, "key": "depth", "name": "CBT | depth $x$ <b>"}
    )
    assert names_of({"depth": found}) == {"depth": "CBT depth x b"}  # no markup gets through
    assert name_of("gone_since", names) == "gone since"


def test_every_table_has_a_head_that_print_repeats(page: Path) -> None:
    html = page.read_text(encoding="utf-8")
    tables = re.findall(r"<table>(.*?)</table>", html, flags=re.DOTALL)
    assert len(tables) > 8
    for table in tables:
        assert table.lstrip().startswith("<thead>")
        assert "<th" not in table.split("</thead>")[1]
    assert "thead { display: table-header-group; }" in html


def test_what_may_be_too_wide_scrolls_by_itself_and_has_its_hint(page: Path) -> None:
    html = page.read_text(encoding="utf-8")
    assert html.count("<table>") == html.count('<div class="scroll roomy"')
    hinted = html.count('<div class="inner"><p class="hint">')
    assert hinted == html.count("<table>") + html.count("<figure")


def test_a_remark_on_some_rows_is_a_letter_there_and_a_count_below() -> None:
    rows = [_difference(note="few") for _ in range(3)] + [_difference(note="equal")]
    assert [letter(one.note, rows) for one in rows] == ["a", "a", "a", "b"]
    assert notes_of(rows) == ["few", "equal"]
    assert letter("few", rows[:3]) == ""  # it holds for all of them: no mark is needed


def test_many_comparisons_without_a_finding_are_counted(page: Path) -> None:
    summary = read_summary(RunFolder(page.parent))
    for reason in ("", "too few sessions"):
        many = tuple(_difference(reason=reason) for _ in range(MOST_LISTED + 3))
        found = summary.statistics.model_copy(update={"differences": many})
        lines = not_significant(summary.model_copy(update={"statistics": found}))
        assert " ".join(lines).count("against real-only") == MOST_LISTED
        assert lines[-1].endswith("and 3 more, in the table above.")


def _difference(*, note: str = "", reason: str = "") -> Difference:
    return Difference(
        variant="hybrid", against="real", criterion="empathy", n=4, groups=2, mean=0.1, low=0.0,
        high=0.2, p=0.5, p_holm=None, significant=False, effect=None, wins=1, ties=2, losses=1,
        win_share=0.5, win_low=0.1, win_high=0.9, note=note, reason=reason,
    )  # fmt: skip


def test_nothing_to_report_is_said(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="nothing to report"):
        write_report(Settings(name="empty"), RunFolder(tmp_path))


def test_the_report_tells_nothing_of_a_blend_that_no_model_learned_from(tmp_path: Path) -> None:
    settings, folder = make_run(tmp_path / "run", scenarios=6)

    def blend(variant: str, *numbers: int) -> str:
        records = [record(number, Origin.REAL) for number in numbers]
        write_export(folder.blend(variant), records, CardFacts(name=variant, seed=1))
        return file_hash(folder.blend(variant) / MESSAGES)

    hashes = {name: blend(name, 1, 2) for name in ("real", "synthetic")}
    hybrid = blend("hybrid", 1, 2)  # evaluated before summaries had hashes
    write_text(folder.adapters / "hybrid" / "training.json", json.dumps({"blend_hash": hybrid}))
    summed_up(folder, blends=hashes)
    told = write_all(settings, folder)
    assert ([one.variant for one in told.report.blends], told.report.other_blends) == (
        ["real", "synthetic", "hybrid"],
        (),
    )
    assert "Blended anew" not in told.page.read_text(encoding="utf-8")
    blend("synthetic", 3, 5, 6)
    blend("hybrid", 3, 5, 6)
    told = write_all(settings, folder)
    assert [one.variant for one in told.report.blends] == ["real"]
    assert told.report.other_blends == ("synthetic", "hybrid")
    text = " ".join(read(told.page).text)
    assert "Blended anew since synthetic, hybrid learned" in text
    summed_up(folder, blends={}, lineage_unknown=("real",))  # the blend came after the judging
    assert write_all(settings, folder).report.other_blends == ("real", "hybrid")


LEVELS_OF_A_SCALE = {
    "source": "invented",
    "definition": "How deep.",
    "scale": {point: f"level {point}" for point in range(1, 6)},
}
_ROLES = ("client", "therapist", "supervisor", "judge")
