"""A forgotten record leaves every kind of export, and what it is not in stays as it was."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from corpus.files import read_records, write_nouns
from corpus.forget.sieve import Sieve
from corpus.forms.catalogue import FORMS
from corpus.manifest import file_hash
from corpus.preference import PAIRS
from rehearsal.cli import run as command
from tests.corpus.test_export import signed
from tests.corpus.test_forget import OTHER, PERSON, TELLING, PowerCutError, left_in
from tests.corpus.test_preference import FIRST, MENDED, draft, session, turns

if TYPE_CHECKING:
    from pathlib import Path

    from domain.runfolder import RunFolder

HOLD = sorted({*FORMS, "sessions", "preference"})
WHOLE = {"datasets", "argilla", "label-studio"}
"""Forms whose data is no lines or Parquet: it is made again."""


@pytest.fixture
def filled(run: RunFolder) -> RunFolder:
    """Two signed records, and a simulated session that repeats words of the first beside one."""
    signed(run, PERSON, OTHER)
    again = turns(f"I read that {TELLING}.", *(turn.text for turn in FIRST.turns[1:]))
    mended = turns(again[0].text, *(turn.text for turn in MENDED.turns[1:]))
    repeats = (draft(0, 0, again, FIRST.critique), draft(1, 1, mended, MENDED.critique))
    write_nouns(run.sessions, [session(*repeats), session(FIRST, MENDED, number=1)])
    (run.root / "config.yaml").write_text("name: some\n", encoding="utf-8")
    return run


def verb(*asked: str) -> int:
    return command(["corpus", *asked])


def export(run: RunFolder, form: str, to: Path) -> dict[str, Any]:
    assert verb("export", str(run.root), "--format", form, "--to", str(to)) == 0
    return manifest_of(to)


def manifest_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return found


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("form", HOLD)
def test_each_kind_of_export_is_named_and_holds_it_no_more(
    filled: RunFolder, tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out"
    before = export(filled, form, target)
    assert left_in(target)
    capsys.readouterr()
    assert verb("forget", str(filled.root), PERSON.id, "--dry-run") == 0
    planned = capsys.readouterr().out
    assert f"exported to {target}" in planned
    assert "would be taken out" in planned
    assert manifest_of(target) == before
    assert verb("forget", str(filled.root), PERSON.id) == 0
    assert f"exported to {target}" in capsys.readouterr().out
    assert left_in(filled.root, target) == []
    after = manifest_of(target)
    assert after["sessions"] == (0 if form in WHOLE else 1)
    assert "taken out on request" in (target / "README.md").read_text(encoding="utf-8")
    for name, value in after.get("files", {}).items():
        assert file_hash(target / name) == value


def test_a_manifest_counts_the_rows_that_are_left(filled: RunFolder, tmp_path: Path) -> None:
    for form in ("alpaca", "csv", "parquet"):
        export(filled, form, tmp_path / form)
    assert verb("forget", str(filled.root), PERSON.id) == 0
    rows = (tmp_path / "alpaca" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    assert manifest_of(tmp_path / "alpaca")["rows"] == len(rows) > 1
    with (tmp_path / "csv" / "turns.csv").open(encoding="utf-8", newline="") as stream:
        said = list(csv.DictReader(stream))
    assert manifest_of(tmp_path / "csv")["rows"] == len(said) == len(OTHER.turns)
    table = pq.read_table(tmp_path / "parquet" / "train.parquet")
    assert manifest_of(tmp_path / "parquet")["rows"] == table.num_rows == 1


def test_a_row_of_csv_goes_whole_whatever_line_breaks_are_in_it(
    run: RunFolder, tmp_path: Path
) -> None:
    broken = PERSON.turns[1].model_copy(update={"text": 'One "two"\nthree\nfour'})
    told = PERSON.model_copy(update={"turns": (PERSON.turns[0], broken, *PERSON.turns[2:])})
    signed(run, told, OTHER)
    (run.root / "config.yaml").write_text("name: some\n", encoding="utf-8")
    export(run, "csv", tmp_path / "out")
    assert verb("forget", str(run.root), told.id) == 0
    with (tmp_path / "out" / "turns.csv").open(encoding="utf-8", newline="") as stream:
        assert {row["session"] for row in csv.DictReader(stream)} == {OTHER.id}


def test_pairs_of_other_sessions_stay_and_are_counted(filled: RunFolder, tmp_path: Path) -> None:
    target = tmp_path / "pairs"
    assert export(filled, "preference", target)["pairs"] == 2
    assert verb("forget", str(filled.root), PERSON.id) == 0
    (row,) = (target / PAIRS).read_text(encoding="utf-8").splitlines()
    assert json.loads(row)["session"] == "session-1"
    after = manifest_of(target)
    assert (after["pairs"], after["sessions"], after["flaws"]) == (1, 1, {"advice": 1})


@pytest.mark.parametrize("form", ["sessions", "preference"])
def test_an_export_without_it_is_neither_named_nor_changed(
    filled: RunFolder, tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if form == "preference":
        write_nouns(filled.sessions, [session(FIRST, MENDED)])
    else:
        signed(filled, OTHER)
    export(filled, form, tmp_path / "out")
    signed(filled, PERSON, OTHER)
    before = contents(tmp_path / "out")
    capsys.readouterr()
    assert verb("forget", str(filled.root), PERSON.id) == 0
    assert "exported to" not in capsys.readouterr().out
    assert contents(tmp_path / "out") == before
    assert [one.id for one in read_records(filled.real)] == [OTHER.id]


@pytest.mark.parametrize("stop_at", range(4))
def test_a_stop_with_pairs_exported_is_made_good_by_forgetting_again(
    filled: RunFolder, tmp_path: Path, stop_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "pairs"
    export(filled, "preference", target)
    export(filled, "trl", tmp_path / "trl")
    through, steps = Sieve.file, iter(range(stop_at))

    def cut(sieve: Sieve, path: Path) -> None:
        if not sieve.dry and next(steps, None) is None:
            raise PowerCutError
        through(sieve, path)

    with monkeypatch.context() as patch:
        patch.setattr(Sieve, "file", cut)
        with pytest.raises(PowerCutError):
            verb("forget", str(filled.root), PERSON.id)
    assert verb("forget", str(filled.root), PERSON.id) == 0
    assert left_in(filled.root, target, tmp_path / "trl") == []
    assert manifest_of(target)["pairs"] == 1


def test_an_export_whose_manifest_somebody_removed_is_gone_through(
    filled: RunFolder, tmp_path: Path
) -> None:
    export(filled, "trl", tmp_path / "out")
    (tmp_path / "out" / "manifest.json").unlink()
    assert verb("forget", str(filled.root), PERSON.id) == 0
    assert left_in(tmp_path / "out") == []


def test_a_manifest_that_is_damaged_is_named_with_the_mend(
    filled: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(filled, "trl", tmp_path / "out")
    damaged = tmp_path / "out" / "manifest.json"
    damaged.write_text("{", encoding="utf-8")
    capsys.readouterr()
    assert verb("forget", str(filled.root), PERSON.id, "--json") == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["what"], error["where"]) == ("a manifest cannot be read", str(damaged))
    damaged.unlink()
    assert verb("forget", str(filled.root), PERSON.id) == 0
    assert left_in(filled.root, tmp_path / "out") == []
