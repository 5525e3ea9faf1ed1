from __future__ import annotations

import csv
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
import yaml

from corpus.export import export_corpus
from corpus.files import write_nouns, write_text
from corpus.formats.detect import read_file
from corpus.formats.raw import RawSession
from corpus.forms.catalogue import FORMS
from corpus.forms.sheet import safe
from corpus.signoff import SignOff, SignOffs
from domain.errors import BlendError, ConfigError
from domain.record import Deidentification, Origin, Quality, Record
from domain.settings import CorpusSettings
from domain.turn import Speaker, Turn
from rehearsal.cli import run as command
from tests.corpus.builders import record

if TYPE_CHECKING:
    from pathlib import Path

    from corpus.manifest import Manifest
    from domain.runfolder import RunFolder

CORPUS = CorpusSettings(licence="CC-BY-4.0")
TRAINED_ON = ("openai", "trl", "sharegpt", "alpaca", "parquet", "datasets")


def signed(run: RunFolder, *records: Record) -> None:
    """Put real records in the run as if somebody had signed for them."""
    mark = {"deidentification": Deidentification.SIGNED_OFF}
    write_nouns(run.real, [one.model_copy(update=mark) for one in records])
    sign = SignOff(name="A Reader", at="now", records=tuple(one.id for one in records))
    write_text(run.sign_off, SignOffs(signed=(sign,)).model_dump_json())


def synthetic(number: int) -> Record:
    one = record(number, origin=Origin.SYNTHETIC, licence="CC0-1.0")
    made = one.provenance.model_copy(
        update={
            "model": "model-x",
            "prompts_hash": "p" * 8,
            "config_hash": "c" * 8,
            "seed": 7,
            "lineage": (f"session-{number}", f"persona-{number}"),
        }
    )
    return one.model_copy(update={"provenance": made})


@pytest.fixture
def filled(run: RunFolder) -> RunFolder:
    signed(run, record(1), record(2), record(3, quality=Quality.LOW))
    write_nouns(run.synthetic, [synthetic(4), synthetic(5)])
    return run


def exported(run: RunFolder, target: Path, form: str) -> tuple[Manifest, Path]:
    return export_corpus(run, target, CORPUS, 7, FORMS[form]), target


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("form", sorted(FORMS))
def test_every_form_says_what_it_holds(filled: RunFolder, tmp_path: Path, form: str) -> None:
    manifest, target = exported(filled, tmp_path / "out", form)
    found = {
        path.relative_to(target).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in target.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert found == manifest.files
    assert manifest.form == form
    trained = form in TRAINED_ON
    assert manifest.sessions == (4 if trained else 5)
    assert manifest.left_out == ({"of poor quality": 1} if trained else {})
    card = (target / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(card.split("---")[1])
    assert front["license"] == "other"
    assert front["size_categories"] == ["n<1K"]
    assert "| 2 | model-x | `pppppppp` | `cccccccc` | 7 |" in card
    assert "## Limits" in card
    for name in (entry["data_files"] for entry in front.get("configs", ())):
        assert (target / name).is_file()


@pytest.mark.parametrize("form", sorted(FORMS))
def test_the_same_records_give_the_same_bytes(filled: RunFolder, tmp_path: Path, form: str) -> None:
    first, _ = exported(filled, tmp_path / "a", form)
    second, _ = exported(filled, tmp_path / "b", form)
    assert first == second


@pytest.mark.parametrize("form", ["openai", "trl", "sharegpt", "alpaca"])
def test_every_row_names_its_lineage(filled: RunFolder, tmp_path: Path, form: str) -> None:
    manifest, target = exported(filled, tmp_path / "out", form)
    rows = lines(target / "train.jsonl")
    assert len(rows) == manifest.rows
    ids = {entry.id for entry in manifest.records}
    for row in rows:
        about = row.get("metadata", row)
        lineage = about["lineage"].split() if form == "openai" else about["lineage"]
        assert lineage[0] == about["id"]
        assert about["id"] in ids
    made = [row.get("metadata", row) for row in rows if "session-4" in str(row)]
    assert made
    assert all("persona-4" in one["lineage"] for one in made)


def test_openai_weighs_what_is_learned(filled: RunFolder, tmp_path: Path) -> None:
    _, target = exported(filled, tmp_path / "out", "openai")
    for row in lines(target / "train.jsonl"):
        roles = [message["role"] for message in row["messages"]]
        assert roles == ["system", *["user", "assistant"] * (len(roles) // 2)]
        for message in row["messages"]:
            assert message.get("weight", 0) == (message["role"] == "assistant")
            assert set(message) <= {"role", "content", "weight"}
        assert all(
            isinstance(value, str) and len(value) <= 512 for value in row["metadata"].values()
        )


def test_alpaca_answers_each_client_turn_once(filled: RunFolder, tmp_path: Path) -> None:
    manifest, target = exported(filled, tmp_path / "out", "alpaca")
    rows = lines(target / "train.jsonl")
    assert len(rows) == manifest.sessions * 8
    third = rows[2]
    assert third["history"] == [[row["instruction"], row["output"]] for row in rows[:2]]
    assert third["output"] in {turn.text for turn in record(1).therapist_turns}


@pytest.mark.parametrize("form", ["sharegpt", "trl", "openai", "parquet", "datasets"])
def test_what_leaves_comes_in_again(filled: RunFolder, tmp_path: Path, form: str) -> None:
    _, target = exported(filled, tmp_path / "out", form)
    path = next(p for p in target.iterdir() if p.suffix in {".jsonl", ".parquet", ".arrow"})
    first = next(iter(read_file(path).sessions))
    assert isinstance(first, RawSession)
    roles = {"human": "client", "user": "client", "gpt": "therapist", "assistant": "therapist"}
    said = [(roles[one.speaker], one.text) for one in first.utterances if one.speaker in roles]
    turns = record(1).turns[:-1]  # the last is the client's, and nobody answers it
    assert said == [(turn.speaker.value, turn.text) for turn in turns]


@pytest.mark.parametrize(
    "text", ["=1+1", "+4 more", "-no", "@SUM(A1)", "\t=1", " =1", "\uff1d1", "=cmd|' /C calc'!A0"]
)
def test_no_cell_is_a_formula(text: str) -> None:
    assert safe(text) == f"'{text}"
    assert safe("no = here") == "no = here"


def test_csv_holds_every_turn(run: RunFolder, tmp_path: Path) -> None:
    talk = (
        Turn(index=0, speaker=Speaker.CLIENT, text='=HYPERLINK("http://x")', start_s=1.5),
        Turn(index=1, speaker=Speaker.THERAPIST, text='She said "no",\nand left.'),
    )
    signed(run, record(1).model_copy(update={"turns": talk, "topic": "+work"}))
    _, target = exported(run, tmp_path / "out", "csv")
    with (target / "turns.csv").open(encoding="utf-8", newline="") as stream:
        first, second = csv.DictReader(stream)
    assert first["text"] == '\'=HYPERLINK("http://x")'
    assert (first["start_s"], first["topic"], second["start_s"]) == ("1.5", "'+work", "")
    assert second["text"] == 'She said "no",\nand left.'
    assert first["lineage"].startswith("record-")


def test_one_known_licence_is_named_as_hubs_do(run: RunFolder, tmp_path: Path) -> None:
    signed(run, record(1))
    _, target = exported(run, tmp_path / "out", "trl")
    front = yaml.safe_load((target / "README.md").read_text().split("---")[1])
    assert front["license"] == "cc-by-4.0"
    huggingface_hub = pytest.importorskip("huggingface_hub")
    data = huggingface_hub.DatasetCard.load(target / "README.md").data
    assert data.license == "cc-by-4.0"
    assert data.size_categories == ["n<1K"]


def test_the_comparison_of_the_run_stands_in_the_card(filled: RunFolder, tmp_path: Path) -> None:
    check = {"name": "mmd", "value": 0.0312, "sense": "at most", "limit": 0.02, "passed": False}
    write_text(filled.root / "corpus" / "compare.json", json.dumps({"checks": [check]}))
    _, target = exported(filled, tmp_path / "out", "trl")
    assert "| mmd | 0.0312 | at most 0.02 | **no** |" in (target / "README.md").read_text()


@pytest.mark.parametrize("form", ["sessions", "csv", "trl"])
def test_every_form_says_what_was_held_out(
    filled: RunFolder, tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_nouns(filled.held_out, [record(1)])
    (filled.root / "config.yaml").write_text("name: some\n", encoding="utf-8")
    target = tmp_path / "out"
    asked = ["corpus", "export", str(filled.root), "--to", str(target), "--format", form]
    assert command(asked) == 0
    assert "Left behind: 1 held out." in capsys.readouterr().out
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["left_out"]["held out"] == 1
    assert "1 held out" in (target / "README.md").read_text(encoding="utf-8")


def test_poor_sessions_leave_when_asked_for(filled: RunFolder, tmp_path: Path) -> None:
    asked = CORPUS.model_copy(update={"include_low_quality": True})
    assert export_corpus(filled, tmp_path / "out", asked, 7, FORMS["trl"]).sessions == 5


def test_an_export_replaces_another_form_but_nothing_else(
    filled: RunFolder, tmp_path: Path
) -> None:
    _, target = exported(filled, tmp_path / "out", "datasets")
    exported(filled, target, "argilla")
    assert not (target / "state.json").exists()
    (target / ".argilla" / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="other files") as caught:
        exported(filled, target, "csv")
    assert ".argilla/mine.txt" in caught.value.got


def test_nothing_to_learn_from_is_said_with_the_reasons(run: RunFolder, tmp_path: Path) -> None:
    signed(run, record(3, quality=Quality.LOW))
    with pytest.raises(BlendError, match="nothing to export") as caught:
        exported(run, tmp_path / "out", "trl")
    assert caught.value.got == "1 of poor quality"


def test_parquet_keeps_times_and_provenance(run: RunFolder, tmp_path: Path) -> None:
    timed = record(1)
    turns = tuple(t.model_copy(update={"start_s": float(t.index)}) for t in timed.turns)
    signed(run, timed.model_copy(update={"turns": turns}))
    _, target = exported(run, tmp_path / "out", "parquet")
    (row,) = pq.read_table(target / "train.parquet").to_pylist()
    assert row["start_s"] == [float(n) for n in range(len(turns))]
    assert row["source_hash"] == f"{1:064d}"
    assert row["model"] == ""
