from __future__ import annotations

import json
import os
import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from corpus.files import read_records, write_nouns
from corpus.ingest import ingest
from corpus.signoff import sign_off, sign_offs, signed_records
from domain.errors import ExitCode, SignOffNeededError, StoreError, TranscriptError
from domain.record import Deidentification, Quality
from domain.settings import CorpusSettings
from tests.corpus.builders import TALK, record, vtt

if TYPE_CHECKING:
    from pathlib import Path

    from domain.runfolder import RunFolder

CORPUS = CorpusSettings(licence="CC-BY-4.0")


def put(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return folder


def test_the_samples_come_in_whole(samples: Path, run: RunFolder) -> None:
    summary = ingest(samples, run, CORPUS)
    assert summary.formats == {"openai": 1, "srt": 4, "vtt": 6}
    assert summary.records == 12
    assert summary.skipped == ()
    assert summary.by_quality == {"high": 7, "low": 1, "unrated": 4}
    for one in read_records(run.quarantine):
        assert len(one.turns) >= 30
        assert one.deidentification is Deidentification.SCREENED
        assert one.licence == "CC-BY-4.0"


def test_no_planted_identifier_is_left_in_any_file(samples: Path, run: RunFolder) -> None:
    ingest(samples, run, CORPUS)
    sign_off(run, "A Reader")
    written = "\n".join(
        path.read_text(encoding="utf-8") for path in run.root.rglob("*") if path.is_file()
    )
    planted = json.loads((samples / "planted.json").read_text(encoding="utf-8"))
    left = {
        word
        for items in planted.values()
        for item in items
        for word in (item["text"].split() if item["kind"] == "name" else [item["text"]])
        if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", written)
    }
    assert left - {"van"} == set()
    assert sum(map(len, planted.values())) >= 100


def test_the_review_shows_replacements_in_context_and_signs_nothing(
    samples: Path, run: RunFolder
) -> None:
    summary = ingest(samples, run, CORPUS)
    review = run.review.read_text(encoding="utf-8")
    assert review.count("\n## Record") == summary.records
    rows = re.findall(r"^\| (?:\d+|topic) \| .*\*\*.+\*\*", review, flags=re.MULTILINE)
    assert len(rows) == sum(summary.spans.values())
    assert "de-identified" not in review


def test_the_same_transcripts_give_the_same_bytes(
    samples: Path, run: RunFolder, tmp_path: Path
) -> None:
    again = type(run)(tmp_path / "again")
    for folder in (run, again):
        ingest(samples, folder, CORPUS)
    assert run.quarantine.read_bytes() == again.quarantine.read_bytes()
    assert run.review.read_bytes() == again.review.read_bytes()


def test_a_bad_transcript_among_good_ones_is_skipped_whole(tmp_path: Path, run: RunFolder) -> None:
    source = put(
        tmp_path / "in",
        good__vtt=vtt(TALK),
        broken__vtt=vtt(TALK) + "\nand then a stray line\n",
        unclear__vtt=vtt([("Ann", "Hm."), ("Bo", "Hm."), ("Cy", "Hm.")]),
        short__vtt=vtt(TALK[:2]),
        twin__vtt=vtt(TALK, "WEBVTT again"),
        notes__docx="PK\x03\x04 rest",
        README__md="not a transcript",
    )
    summary = ingest(source, run, CORPUS)
    assert summary.records == 1
    reasons = {one.where.split(",")[0]: one.reason for one in summary.skipped}
    assert set(reasons) == {"broken.vtt", "unclear.vtt", "short.vtt", "twin.vtt", "notes.docx"}
    assert "no time" in reasons["broken.vtt"]
    assert "not clear who" in reasons["unclear.vtt"]
    assert "too short" in reasons["short.vtt"]
    assert "the same conversation as good.vtt" in reasons["twin.vtt"]
    assert "ZIP or Office" in reasons["notes.docx"]
    (one,) = read_records(run.quarantine)
    assert [turn.text for turn in one.turns] == [text for _, text in TALK]


def test_when_all_are_bad_the_quarantine_of_before_stays(tmp_path: Path, run: RunFolder) -> None:
    ingest(put(tmp_path / "good", a__vtt=vtt(TALK)), run, CORPUS)
    before = run.quarantine.read_bytes()
    bad = put(tmp_path / "bad", a__vtt="WEBVTT\n\nno time\n", b__txt="prose")
    with pytest.raises(TranscriptError, match="no transcript could be taken") as caught:
        ingest(bad, run, CORPUS)
    assert "(and 1 more)" in caught.value.got
    assert caught.value.exit_code is ExitCode.FAILED
    assert run.quarantine.read_bytes() == before


def test_a_missing_path_is_named(tmp_path: Path, run: RunFolder) -> None:
    with pytest.raises(TranscriptError, match="no such file or folder"):
        ingest(tmp_path / "none", run, CORPUS)


@pytest.mark.parametrize(("name", "got"), [("", "no files"), ("README.md", "other files only")])
def test_an_empty_folder_is_said(tmp_path: Path, run: RunFolder, name: str, got: str) -> None:
    source = tmp_path / "in"
    source.mkdir()
    if name:
        (source / name).touch()
    with pytest.raises(TranscriptError, match="holds no transcripts") as caught:
        ingest(source, run, CORPUS)
    assert caught.value.got == got


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, run: RunFolder) -> None:
    tmp_path.joinpath("run").mkdir(mode=0o500)
    with pytest.raises(StoreError, match="cannot be written"):
        ingest(put(tmp_path / "in", a__vtt=vtt(TALK)), run, CORPUS)


def test_a_file_in_the_way_of_the_run_is_said(tmp_path: Path, run: RunFolder) -> None:
    run.root.write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        ingest(put(tmp_path / "in", a__vtt=vtt(TALK)), run, CORPUS)


def test_the_roster_beside_the_transcripts_is_used(tmp_path: Path, run: RunFolder) -> None:
    lines = [*TALK, ("Therapist", "And?"), ("Client", "Zyx keeps quiet.")]
    source = put(tmp_path / "in", a__vtt=vtt(lines), roster__txt="# people\nZyx Quorl # her\n")
    ingest(source, run, CORPUS)
    assert "Zyx" not in run.quarantine.read_text()


def test_sessions_of_one_named_client_share_a_group(tmp_path: Path, run: RunFolder) -> None:
    def talk(client: str, last: str) -> str:
        lines = [(label.replace("Client", client), text) for label, text in TALK]
        return vtt([*lines, ("Therapist", last)])

    source = put(
        tmp_path / "in",
        a__vtt=talk("Zyx Q", "A?"),
        b__vtt=talk("Zyx Q", "B?"),
        c__vtt=talk("Cy", "C?"),
    )
    ingest(source, run, CORPUS)
    first, second, third = (one.group for one in read_records(run.quarantine))
    assert first == second != third


def test_no_name_of_a_file_is_written(tmp_path: Path, run: RunFolder) -> None:
    ingest(put(tmp_path / "in", zyx_quorl__vtt=vtt(TALK)), run, CORPUS)
    for path in run.root.rglob("*"):
        assert path.is_dir() or "zyx" not in path.read_text().lower()


def test_annomi_comes_in_by_its_traps(real_data: Path, run: RunFolder) -> None:
    summary = ingest(real_data / "annomi" / "annomi-dev.csv", run, CORPUS)
    assert (summary.records, summary.skipped) == (98, ())
    assert summary.by_quality == {"high": 82, "low": 16, "unrated": 0}
    records = list(read_records(run.quarantine))
    assert len({one.group for one in records}) == 91
    assert all(one.topic == one.topic.strip() for one in records)
    for one in records:
        assert all(a.speaker is not b.speaker for a, b in pairwise(one.turns))
        assert not any(turn.text.startswith(("-", "—")) for turn in one.turns)


@pytest.mark.parametrize(("name", "count"), [("esconv-dev", 211), ("failed-esconv-dev", 98)])
def test_emotional_support_chats_come_in(
    real_data: Path, run: RunFolder, name: str, count: int
) -> None:
    summary = ingest(real_data / "esconv" / f"{name}.json", run, CORPUS)
    assert summary.records + len(summary.skipped) == count
    assert summary.records > 0.95 * count


def test_signing_moves_the_records_and_says_who(tmp_path: Path, run: RunFolder) -> None:
    ingest(put(tmp_path / "in", a__vtt=vtt(TALK)), run, CORPUS)
    waiting = list(read_records(run.quarantine))
    with pytest.raises(SignOffNeededError, match="1 real record is not signed off") as caught:
        signed_records(run)
    assert caught.value.exit_code is ExitCode.GATE_NOT_MET
    assert f'rehearsal corpus sign-off "{run.root}" --name ' in caught.value.mend
    signature = sign_off(run, "  A   Reader ")
    assert signature.name == "A Reader"
    assert signature.at.endswith("+00:00")
    assert signature.records == (waiting[0].id,)
    assert not run.quarantine.exists()
    (one,) = signed_records(run)
    assert (one.id, one.deidentification) == (waiting[0].id, Deidentification.SIGNED_OFF)


def test_later_transcripts_join_those_already_signed(tmp_path: Path, run: RunFolder) -> None:
    for name, end in (("a", "One?"), ("b", "Two?")):
        lines = [*TALK, ("Therapist", end)]
        ingest(put(tmp_path / name, x__vtt=vtt(lines)), run, CORPUS)
        sign_off(run, name)
    assert len(signed_records(run)) == 2
    assert [one.name for one in sign_offs(run).signed] == ["a", "b"]


def test_a_transcript_screened_anew_takes_its_earlier_versions_place(
    tmp_path: Path, run: RunFolder
) -> None:
    leaky = [*TALK, ("Therapist", "And?"), ("Client", "The QRZ keeps quiet.")]
    ingest(put(tmp_path / "in", a__vtt=vtt(leaky), b__vtt=vtt(TALK)), run, CORPUS)
    sign_off(run, "A Reader")
    assert "QRZ" in run.real.read_text()
    ingest(put(tmp_path / "in", roster__txt="QRZ\n"), run, CORPUS)
    sign_off(run, "A Reader")
    assert "QRZ" not in run.real.read_text()
    assert len(signed_records(run)) == 2


@pytest.mark.parametrize(("name", "match"), [(" ", "nobody has signed"), ("A", "nothing to sign")])
def test_an_empty_signature_is_refused(run: RunFolder, name: str, match: str) -> None:
    with pytest.raises(SignOffNeededError, match=match):
        sign_off(run, name)


def test_records_put_there_by_hand_are_not_signed(run: RunFolder) -> None:
    write_nouns(run.real, [record(1)])
    with pytest.raises(SignOffNeededError, match="not signed off"):
        signed_records(run)


def test_a_damaged_line_is_named(run: RunFolder) -> None:
    write_nouns(run.real, [record(1, quality=Quality.LOW)])
    with run.real.open("a") as stream:
        stream.write('{"half": \n')
    with pytest.raises(StoreError, match="line 2"):
        signed_records(run)
