from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest

from corpus.blend import blend
from corpus.expert import ExpertReview, experts, read_reviews
from corpus.export import export_corpus
from corpus.files import read_nouns, write_nouns
from corpus.forms.catalogue import FORMS
from domain.errors import TranscriptError
from domain.record import Quality
from domain.settings import Settings, TrainingSettings
from tests.corpus.builders import record
from tests.corpus.test_export import CORPUS, signed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from domain.runfolder import RunFolder

RECORDS = (record(1), record(2), record(3))


@pytest.fixture
def filled(run: RunFolder) -> RunFolder:
    signed(run, *RECORDS)
    return run


def sent_out(run: RunFolder, target: Path, form: str) -> Path:
    export_corpus(run, target, CORPUS, 7, FORMS[form])
    return target


def in_argilla(path: Path) -> None:
    """Answer as Argilla's to_json would write it: two people on the first, one on the second."""
    records: list[dict[str, Any]] = json.loads(path.read_text())
    answers = [
        {
            "decision": [("accept", "u1"), ("reject", "u2")],
            "quality": [("low", "u2")],
            "comment": [("Too much advice.", "u2")],
        },
        {"decision": [("accept", "u1")], "quality": [("high", "u1")]},
    ]
    for one, said in zip(records, answers, strict=False):
        one["responses"] = {
            name: [{"value": value, "user_id": user} for value, user in given]
            for name, given in said.items()
        }
        one["updated_at"] = "2031-05-01T10:00:00"
    path.write_text(json.dumps(records))


def in_label_studio(path: Path) -> None:
    """Annotate as Label Studio's JSON export would have it."""
    tasks: list[dict[str, Any]] = json.loads(path.read_text())

    def chosen(name: str, value: str) -> dict[str, Any]:
        return {
            "from_name": name,
            "to_name": "dialogue",
            "type": "choices",
            "value": {"choices": [value]},
        }

    def annotation(who: object, *results: dict[str, Any], **more: object) -> dict[str, Any]:
        at = "2031-05-01T10:00:00.000000Z"
        return {"completed_by": who, "created_at": at, "result": list(results), **more}

    remark = {"from_name": "comment", "type": "textarea", "value": {"text": ["Too much advice."]}}
    first = [
        annotation({"id": 4, "email": "u1"}, chosen("decision", "accept")),
        annotation("u2", chosen("decision", "reject"), chosen("quality", "low"), remark),
        annotation("u3", chosen("decision", "accept"), was_cancelled=True),
    ]
    tasks[0]["annotations"] = first
    tasks[1]["annotations"] = [
        annotation("u1", chosen("decision", "accept"), chosen("quality", "high"))
    ]
    tasks[2]["annotations"] = []
    path.write_text(json.dumps(tasks))


@pytest.mark.parametrize(
    ("form", "name", "answer"),
    [("argilla", "records.json", in_argilla), ("label-studio", "tasks.json", in_label_studio)],
)
def test_a_reviewed_export_comes_back_with_who_and_when(
    filled: RunFolder, tmp_path: Path, form: str, name: str, answer: Callable[[Path], None]
) -> None:
    path = sent_out(filled, tmp_path / "out", form) / name
    answer(path)
    found = read_reviews(filled, path)
    assert (found.reviews, found.new, found.records) == (3, 3, 2)
    assert (found.unanswered, found.unknown, found.skipped) == (1, 0, ())
    assert found.by_decision == {"accept": 2, "reject": 1}
    assert found.by_person == {"u1": 2, "u2": 1}
    kept = list(read_nouns(filled.expert_reviews, ExpertReview))
    poor = next(one for one in kept if one.by == "u2")
    assert (poor.record, poor.quality, poor.comment) == (
        RECORDS[0].id,
        Quality.LOW,
        "Too much advice.",
    )
    assert poor.at.startswith("2031-05-01T10:00:00")
    assert poor.tool == form
    again = read_reviews(filled, path)
    assert (again.reviews, again.new) == (3, 0)
    assert len(list(read_nouns(filled.expert_reviews, ExpertReview))) == 3


def test_what_an_expert_rejects_is_not_learned_and_not_lost(
    filled: RunFolder, tmp_path: Path
) -> None:
    path = sent_out(filled, tmp_path / "review", "argilla") / "records.json"
    in_argilla(path)
    read_reviews(filled, path)
    said = experts(filled)
    assert said.rejected == {RECORDS[0].id}
    assert [said.quality(one.id, one.quality) for one in RECORDS] == [
        Quality.LOW,
        Quality.HIGH,
        Quality.HIGH,
    ]
    manifest = export_corpus(filled, tmp_path / "out", CORPUS, 7, FORMS["trl"])
    assert manifest.left_out == {"rejected by an expert": 1}
    assert {entry.id for entry in manifest.records} == {RECORDS[1].id, RECORDS[2].id}
    assert export_corpus(filled, tmp_path / "all", CORPUS, 7, FORMS["csv"]).sessions == 3


def test_the_interface_asks_what_is_read_back(filled: RunFolder, tmp_path: Path) -> None:
    target = sent_out(filled, tmp_path / "out", "label-studio")
    view = ET.fromstring((target / "labeling-config.xml").read_text())  # noqa: S314 - our own file
    asked = {one.get("name"): one for one in view.iter("Choices")}
    assert set(asked) == {"decision", "quality"}
    assert [one.get("alias") for one in asked["quality"].iter("Choice")] == [
        "high",
        "low",
        "unrated",
    ]
    shown = view.find("Paragraphs")
    assert shown is not None
    assert shown.get("value") == "$dialogue"
    settings = json.loads(
        (sent_out(filled, tmp_path / "argilla", "argilla") / ".argilla/settings.json").read_text()
    )
    assert [one["name"] for one in settings["questions"]] == ["decision", "quality", "comment"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"responses": {"decision": [{"value": "perhaps", "user_id": "u"}]}}, "is no answer to"),
        ({"responses": ["what"]}, "not of the form"),
        ({"responses": {"decision": "yes"}}, "not of the form"),
    ],
)
def test_an_answer_of_another_form_is_named(
    filled: RunFolder, tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    path = sent_out(filled, tmp_path / "out", "argilla") / "records.json"
    in_argilla(path)
    records = json.loads(path.read_text())
    records[1].update(change)
    path.write_text(json.dumps(records))
    found = read_reviews(filled, path)
    assert found.reviews == 2
    assert reason in found.skipped[0].reason


def test_answers_to_other_records_are_counted(filled: RunFolder, tmp_path: Path) -> None:
    path = sent_out(filled, tmp_path / "out", "argilla") / "records.json"
    in_argilla(path)
    path.write_text(path.read_text().replace(RECORDS[1].id, "record-of-another-run"))
    found = read_reviews(filled, path, by="Somebody")
    assert (found.reviews, found.unknown) == (2, 1)


def test_a_file_without_reviews_is_refused(filled: RunFolder, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('[{"a": 1}]')
    with pytest.raises(TranscriptError, match="no review could be read") as caught:
        read_reviews(filled, path)
    assert "neither a record of Argilla nor a task" in caught.value.got
    assert not filled.expert_reviews.exists()


def test_a_blend_leaves_out_what_an_expert_rejects(filled: RunFolder) -> None:
    signed(filled, *map(record, range(1, 9)))
    review = ExpertReview(
        record=record(2).id, decision="reject", quality=None, comment="", by="u", at="",
        tool="argilla", read_at="now",
    )  # fmt: skip
    write_nouns(filled.expert_reviews, [review])
    settings = Settings(name="t", training=TrainingSettings(variants=("real",)))
    made = blend(settings, filled)["real"]
    assert made.left_out["rejected by an expert"] == 1
    manifest = json.loads((filled.blend("real") / "manifest.json").read_text())
    assert record(2).id not in {one["id"] for one in manifest["records"]}
