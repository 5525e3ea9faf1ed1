from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from corpus.files import write_nouns
from domain.errors import TrainingError
from domain.runfolder import RunFolder
from domain.settings import Settings, TrainingSettings
from rehearsal.cli import run
from rehearsal.previewing import CLOSE, OPEN, lay_out, marked
from tests.training.talk import ASKED, jsonl, record, write_blend
from training.models import load_tokenizer
from training.preview import preview_session

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = Settings(name="look", training=TrainingSettings(max_length=256))


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "run")
    write_blend(made, "real", jsonl(3))
    return made


def test_it_shows_what_is_learned_and_counts_it(folder: RunFolder, small_base: Path) -> None:
    seen = preview_session(SETTINGS, folder, small_base, "real")
    learned = [span.text for part in seen.parts for span in part.spans if span.learned]
    assert learned == [f"{ASKED[turn % 4]} {turn}<|end|>" for turn in range(6)]
    tokenizer = load_tokenizer(str(small_base))
    count = sum(len(tokenizer(one, add_special_tokens=False)["input_ids"]) for one in learned)
    assert seen.learned == count
    assert seen.turns == 6
    assert seen.tokens == sum(span.tokens for part in seen.parts for span in part.spans)
    assert (seen.place, seen.sessions, seen.session) == (1, 3, "record-0")


def test_a_long_session_is_shown_in_parts_with_each_turn_learned_once(
    tmp_path: Path, small_base: Path
) -> None:
    folder = RunFolder(tmp_path)
    write_blend(folder, "real", jsonl(1, exchanges=30))
    seen = preview_session(SETTINGS, folder, small_base, "real")
    learned = [span.text for part in seen.parts for span in part.spans if span.learned]
    assert len(seen.parts) > 1
    assert len(learned) == len(set(learned)) == seen.turns == 30
    assert max(part.tokens for part in seen.parts) <= 256


def test_a_session_is_found_by_how_its_id_begins(folder: RunFolder, small_base: Path) -> None:
    assert preview_session(SETTINGS, folder, small_base, "real", "record-2").place == 3
    with pytest.raises(TrainingError, match="no such session") as raised:
        preview_session(SETTINGS, folder, small_base, "real", "nobody")
    assert "record-0" in raised.value.expected


def test_signed_records_are_shown_before_anything_is_blended(
    tmp_path: Path, small_base: Path
) -> None:
    folder = RunFolder(tmp_path)
    with pytest.raises(TrainingError, match="no session to look at"):
        preview_session(SETTINGS, folder, small_base, "real")
    write_nouns(folder.real, [record(1)])
    seen = preview_session(SETTINGS, folder, small_base, "real")
    assert seen.source == "real records"
    assert seen.session == record(1).id


def test_a_variant_that_there_is_not_is_refused(
    tmp_path: Path, small_base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = RunFolder(tmp_path / "run")
    write_nouns(folder.real, [record(1)])
    config = tmp_path / "look.yaml"
    config.write_text(f"training: {{base: '{small_base}', max_length: 256}}\n")
    asked = ["train", "preview", str(config), "--run", str(folder.root), "--json", "--variant"]
    assert run([*asked, "nosuch"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["got"] == "nosuch"
    assert "real, synthetic, hybrid" in error["expected"]
    assert run([*asked, "hybrid"]) == 0, "a variant that is not blended yet"
    write_blend(folder, "of-my-own", jsonl(1))
    assert run([*asked, "of-my-own"]) == 0


def test_without_colour_what_is_learned_stands_in_brackets(
    folder: RunFolder, small_base: Path
) -> None:
    seen = preview_session(SETTINGS, folder, small_base, "real")
    plain = marked(seen).plain
    assert f"{OPEN}{ASKED[0]} 0<|end|>{CLOSE}\n<|user|>" in plain
    assert plain.count(OPEN) == 6 + 1  # and once in the legend
    assert OPEN not in lay_out(seen).plain


def test_no_control_character_of_a_transcript_reaches_the_terminal(
    tmp_path: Path, small_base: Path
) -> None:
    folder = RunFolder(tmp_path)
    talk = [
        {"role": "user", "content": "red \x1b[31m"},
        {"role": "assistant", "content": "title \x1b]0;x\x07"},
    ]
    write_blend(folder, "real", json.dumps({"id": "a", "messages": talk}).encode())
    seen = preview_session(SETTINGS, folder, small_base, "real")
    for made in (lay_out(seen), marked(seen)):
        assert not {"\x1b", "\x07"} & set(made.plain)


def test_the_verb_prints_marks_or_json(
    folder: RunFolder, small_base: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = tmp_path / "look.yaml"
    config.write_text(f"training: {{base: '{small_base}', max_length: 256}}\n")
    asked = ["train", "preview", str(config), "--run", str(folder.root)]
    assert run(asked) == 0
    assert f"{OPEN}{ASKED[0]} 0<|end|>{CLOSE}" in capsys.readouterr().out
    assert run([*asked, "--session", "record-1", "--json"]) == 0
    seen = json.loads(capsys.readouterr().out)
    assert seen["session"] == "record-1"
    assert run([*asked, "--session", "x", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["what"] == "there is no such session"


def test_train_without_a_verb_still_trains_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "no-such-run", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["what"] == "there is no such run"
