"""Series of blends, and the verb that makes and shows them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from corpus.blend import blend
from corpus.draw import supervised_words
from corpus.export import read_messages
from corpus.files import read_records
from corpus.series import blend_sweep, series_name, sweep_folder
from domain.errors import ConfigError
from rehearsal.cli import run as command_line
from tests.corpus.blending import SETTINGS, VARIANTS, fill

if TYPE_CHECKING:
    from domain.runfolder import RunFolder


@pytest.fixture
def filled(run: RunFolder) -> RunFolder:
    return fill(run)


def test_a_series_has_equal_words_and_one_set_of_held_out_sessions(filled: RunFolder) -> None:
    made = blend_sweep(SETTINGS, filled, (0, 25, 50, 100), 2)
    assert list(made) == [series_name(share, seed) for seed in (7, 8) for share in (0, 25, 50, 100)]
    into = sweep_folder(filled)
    held_out = {one.id for one in read_records(into.held_out)}
    longest = max(supervised_words(one) for one in read_records(filled.real))
    for name, one in made.items():
        assert one.share is not None
        assert abs(one.synthetic_sessions - one.sessions * one.share / 100) < 1
        assert abs(one.supervised_words - made[series_name(0, 7)].supervised_words) <= longest
        assert not held_out & {line["id"] for line in read_messages(into.blend(name))}
    assert made["share-50-seed-7"] != made["share-50-seed-8"]
    assert into.sign_off.read_bytes() == filled.sign_off.read_bytes()


@pytest.mark.parametrize("shares", [(), (0, 0), (-1,), (101,)])
def test_a_series_is_of_percentages(filled: RunFolder, shares: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="the shares cannot be used"):
        blend_sweep(SETTINGS, filled, shares, 1)


def test_the_verb_makes_the_series(filled: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    filled.config.write_text("name: test\n")
    arguments = ["corpus", "blend", str(filled.root), "--sweep", "0,50,100", "--json"]
    assert command_line(arguments) == 0
    shown = json.loads(capsys.readouterr().out)
    assert sorted(one["share"] for one in shown.values()) == [0, 50, 100]
    assert all((sweep_folder(filled).blend(name) / "messages.jsonl").is_file() for name in shown)
    assert command_line([*arguments[:4], "0,half", "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["where"] == "--sweep"
    assert "'half'" in error["got"]
    assert "--sweep 0,25,50,100" in error["mend"]


def test_the_verb_shows_repetition_and_what_was_left_out(
    filled: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    variants = ", ".join(VARIANTS[:-1])
    filled.config.write_text(f"name: test\ntraining: {{variants: [{variants}]}}\n")
    made = blend(SETTINGS, filled)
    for more in ([], ["--sweep", "0,100"]):
        assert command_line(["corpus", "blend", str(filled.root), *more]) == 0
        head, *rows = (line.split("  ") for line in capsys.readouterr().out.splitlines())
        assert "different ones" in [cell.strip() for cell in head]
        cells = {row[0]: [cell.strip() for cell in row[1:] if cell.strip()] for row in rows}
        name = "share-100-seed-7" if more else "synthetic"
        said = ["0", f"{made['synthetic'].sessions}", f"{made['synthetic'].distinct}"]
        assert cells[name][:3] == said
        assert made["synthetic"].sessions > made["synthetic"].distinct == 6
        held_out, low = made["real"].held_out, made["real"].low_quality_left_out
        (told,) = (row[0] for row in rows if row[0].startswith("Left out"))
        assert told.startswith(f"Left out of all: {held_out} held out; {low} of poor quality")
        counts = told.removeprefix("Left out of all: ").split("; ")
        assert all(int(count.split()[0]) > 0 for count in counts)


def test_the_columns_of_blends_stand_in_line(
    filled: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    filled.config.write_text("name: test\n")
    assert command_line(["corpus", "blend", str(filled.root), "--sweep", "0,5,100"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    words_end = head.index("therapist words") + len("therapist words")
    assert [len(row.rstrip()) for row in rows[:3]] == [words_end] * 3


def test_an_empty_synthetic_side_is_named_with_its_file(
    filled: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    filled.config.write_text("name: test\n")
    filled.synthetic.unlink()
    assert command_line(["corpus", "blend", str(filled.root), "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["what"] == "there is no synthetic session to learn from"
    assert "synthetic.jsonl" in error["where"]
    assert error["mend"]
