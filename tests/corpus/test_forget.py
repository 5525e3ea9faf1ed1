"""A record is taken out of a run, and none of its words is left in any file of it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from corpus.card import CardFacts
from corpus.export import write_export
from corpus.files import read_records, write_nouns, write_text
from corpus.forget.exports import note_export
from corpus.forget.forget import Forgetting, find_record, forget
from corpus.forget.mark import mark_of
from corpus.forget.sieve import Sieve
from corpus.forget.tombstone import tombstones
from corpus.ingest import ingest
from corpus.manifest import file_hash
from corpus.signoff import sign_off
from corpus.split import contexts_of
from domain.call import CallKey, CallResult, CallRow, Outcome, Role
from domain.errors import StoreError
from domain.record import HeldOutContext, Origin, Record
from domain.runfolder import RunFolder
from domain.settings import CorpusSettings
from domain.turn import Speaker, Turn
from domain.verdict import Answer
from engine.ledger.forget import without
from engine.ledger.ledger import Ledger
from engine.ledger.shards import shard_at
from rehearsal.cli import run as command
from tests.corpus.builders import TALK, record, vtt
from tests.engine.test_forget import unpacked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from corpus.forget.mark import Mark

TELLING = "the lighthouse keeper never slept and neither did the gulls that winter"


def person() -> Record:
    """A record with words that nobody else says, and some that others say as well."""
    made = record(1)
    first = Turn(index=0, speaker=Speaker.CLIENT, text=f"So, {TELLING.capitalize()}.")
    return made.model_copy(update={"turns": (first, *made.turns[1:])})


PERSON = person()
OTHER = record(2)


class PowerCutError(Exception):
    """Stands for a process that is killed."""


def ledgers(ledger: Path, mark: Mark, *, dry: bool) -> int:
    return without(ledger, mark.in_bytes, dry=dry)


def run_forget(folder: RunFolder, *, dry: bool = False) -> Forgetting:
    return forget(folder, PERSON.id, ledgers, dry=dry)


async def filled(folder: RunFolder, outside: Path) -> HeldOutContext:
    """Write a run in which the record has got everywhere."""
    write_nouns(folder.real, [PERSON, OTHER])
    write_nouns(folder.held_out, [PERSON])
    write_nouns(folder.quarantine, [PERSON])
    context = contexts_of([PERSON], 1, 1)[0].model_copy(update={"turns": PERSON.turns[:3]})
    write_nouns(folder.contexts, [context])
    for name in ("real", "hybrid"):
        write_export(folder.blend(name), [PERSON, OTHER, PERSON], CardFacts(name=name, seed=1))
    (folder.adapters / "real").mkdir(parents=True)
    write_export(outside, [PERSON, OTHER], CardFacts(name="out", seed=1))
    note_export(folder, outside)
    answers = [
        Answer(scenario_id=context.id, variant="real", text="I see.", call="x"),
        Answer(scenario_id="scenario-other", variant="real", text="I see.", call="y"),
    ]
    write_nouns(folder.evaluation / "answers.jsonl", answers)
    write_text(folder.report, f"<p>{TELLING.replace('winter', 'win&#116;er')}</p>")
    write_text(folder.training / "tokenised" / "real.npy", "numbers")
    write_text(folder.root / "summary.txt", "nothing of note")
    write_text(folder.sign_off, json.dumps({"signed": []}))
    ledger = Ledger(shard_at(folder.evaluation / "ledger" / "judging", 1, 1), "hash")
    for session, text in (("a", PERSON.turns[0].text), ("b", OTHER.turns[0].text)):
        await ledger.record(call(session, text))
        await ledger.finish(session, b"{}")
    ledger.close()
    return context


def call(session: str, text: str) -> CallRow:
    request = json.dumps({"messages": [{"role": "user", "content": text}]}).encode()
    return CallRow(
        key=CallKey(session=session, draft=0, step=0, attempt=0),
        role=Role.JUDGE,
        endpoint="http://127.0.0.1:1/v1",
        request_hash=hashlib.sha256(request).hexdigest(),
        request=request,
        result=CallResult(outcome=Outcome.OK, text="Fine."),
    )


def left_in(*places: Path) -> list[str]:
    """Return the files that still hold the person's words or ids, but those kept for ids."""
    mark = mark_of([PERSON], (), [OTHER])
    found = []
    for place in places:
        for path in place.rglob("*"):
            if not path.is_file() or path.name in {"forgotten.json", "sign-off.json"}:
                continue
            data = path.read_bytes()
            if path.suffix == ".parquet":
                data = json.dumps(pq.read_table(path).to_pylist()).encode()
            if mark.in_bytes(data) or any(mark.in_bytes(line) for line in data.split(b"\n")):
                found.append(path.name)
        if b"lighthouse keeper" in unpacked(place):
            found.append(f"{place}: in some frame")
    return found


async def test_the_record_goes_everywhere_and_others_stay(tmp_path: Path) -> None:
    folder, outside = RunFolder(tmp_path / "run"), tmp_path / "out"
    await filled(folder, outside)
    assert left_in(folder.root, outside)
    planned = run_forget(folder, dry=True)
    assert left_in(folder.root, outside)
    assert not folder.forgotten.exists()
    done = run_forget(folder)
    assert left_in(folder.root, outside) == []
    assert planned.model_dump(exclude={"dry_run"}) == done.model_dump(exclude={"dry_run"})
    assert [one.id for one in read_records(folder.real)] == [OTHER.id]
    assert set(done.blends) == {"blends/real", "blends/hybrid"}
    assert done.adapters == ("adapters/real",)
    assert done.exports == (str(outside),)
    assert done.ledgers == {"evaluation/ledger/judging": 2}
    assert set(done.files) == {"report.html", "training/tokenised"}
    assert (folder.root / "summary.txt").exists()
    assert len((folder.evaluation / "answers.jsonl").read_text().splitlines()) == 1


async def test_a_blend_is_whole_without_it(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    await filled(folder, tmp_path / "out")
    run_forget(folder)
    blend = folder.blend("real")
    manifest = json.loads((blend / "manifest.json").read_text())
    assert [one["id"] for one in manifest["records"]] == [OTHER.id]
    assert (manifest["sessions"], manifest["distinct"], manifest["real_sessions"]) == (1, 1, 1)
    assert len((blend / "messages.jsonl").read_text().splitlines()) == 1
    assert pq.read_table(blend / "records.parquet")["id"].to_pylist() == [OTHER.id]
    assert "taken out on request" in (blend / "README.md").read_text()
    assert all(file_hash(blend / name) == value for name, value in manifest["files"].items())


async def test_forgetting_again_changes_nothing_and_says_so(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    await filled(folder, tmp_path / "out")
    first = run_forget(folder)
    before = {path: path.read_bytes() for path in folder.root.rglob("*") if path.is_file()}
    again = run_forget(folder)
    assert again.already
    assert (again.blends, again.adapters) == (first.blends, first.adapters)
    after = {path: path.read_bytes() for path in folder.root.rglob("*") if path.is_file()}
    assert after == before


@pytest.mark.parametrize("stop_at", range(20))
async def test_a_stop_anywhere_is_made_good_by_forgetting_again(
    tmp_path: Path, stop_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steps that write are counted, and one of them fails."""
    folder, outside = RunFolder(tmp_path / "run"), tmp_path / "out"
    await filled(folder, outside)
    steps = iter(range(stop_at))

    def cut(through: Callable[[Sieve, Path], None]) -> Callable[[Sieve, Path], None]:
        def step(sieve: Sieve, path: Path) -> None:
            if next(steps, None) is None:
                raise PowerCutError
            through(sieve, path)

        return step

    with monkeypatch.context() as patch:
        patch.setattr(Sieve, "file", cut(Sieve.file))
        patch.setattr(Sieve, "records", cut(Sieve.records))
        with pytest.raises(PowerCutError):
            run_forget(folder)
    done = run_forget(folder)
    assert left_in(folder.root, outside) == []
    assert set(done.blends) == {"blends/real", "blends/hybrid"}
    assert done.adapters == ("adapters/real",)
    assert tombstones(folder).forgotten[0].done


def test_the_tombstone_keeps_the_transcript_out_and_holds_no_words(
    tmp_path: Path, run: RunFolder
) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.vtt").write_text(vtt(TALK), encoding="utf-8")
    (source / "b.vtt").write_text(vtt((*TALK, ("Therapist", "And then?"))), encoding="utf-8")
    ingest(source, run, CorpusSettings())
    sign_off(run, "A Reader")
    gone, stays = (one.id for one in read_records(run.real))
    forget(run, gone, ledgers, dry=False)
    summary = ingest(source, run, CorpusSettings())
    assert [one.id for one in read_records(run.quarantine)] == [stays]
    assert "forgotten on request" in summary.skipped[0].reason
    words = {word for _, text in TALK for word in text.lower().split() if len(word) > 4}
    written = run.forgotten.read_text(encoding="utf-8").lower()
    assert not [word for word in words if word in written]
    assert gone not in run.review.read_text(encoding="utf-8")


def test_a_record_goes_whose_every_word_another_says_as_well(run: RunFolder) -> None:
    longer = PERSON.model_copy(update={"turns": (*PERSON.turns, PERSON.turns[1])})
    for store in (run.quarantine, run.real, run.held_out):
        write_nouns(store, [PERSON, longer])
    planned = forget(run, PERSON.id, ledgers, dry=True)
    assert set(planned.lines.values()) == {1}
    assert len(planned.lines) == 3
    assert forget(run, PERSON.id, ledgers, dry=False).lines == planned.lines
    for store in (run.quarantine, run.real, run.held_out):
        assert [one.id for one in read_records(store)] == [longer.id]


def test_a_record_is_named_by_the_beginning_of_its_id(run: RunFolder) -> None:
    write_nouns(run.real, [PERSON, OTHER])
    assert find_record(run, PERSON.id) == PERSON.id
    assert find_record(run, PERSON.id[:16]) == PERSON.id
    assert find_record(run, PERSON.id.removeprefix("record-")[:9]) == PERSON.id
    assert find_record(run, "record-") is None
    assert find_record(run, "record-ffffffffff") is None
    with pytest.raises(StoreError, match="no such record"):
        forget(run, "record-0", ledgers, dry=False)


def test_what_others_say_as_well_is_theirs() -> None:
    mark = mark_of([PERSON], ("scenario-1",), [OTHER, record(3, origin=Origin.SYNTHETIC)])
    assert mark.in_text("He said the lighthouse keeper never slept and neither did I.")
    assert mark.in_bytes(json.dumps({"a": [{"b": f"x\n{TELLING}"}]}).encode())
    assert mark.in_text("of scenario-1")
    assert not mark.in_text("My brother called and I did not pick up again")
    assert not mark.in_text("the lighthouse keeper slept")


def test_the_verb_finds_the_run_and_names_what_saw_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = RunFolder(tmp_path / "runs" / "one")
    write_nouns(folder.real, [PERSON, OTHER])
    write_export(folder.blend("real"), [PERSON, OTHER], CardFacts(name="x", seed=1))
    (folder.adapters / "real").mkdir(parents=True)
    write_text(tmp_path / "runs" / "compare-a-b" / "compare.json", "{}")
    assert command(["corpus", "forget", PERSON.id, "--dry-run", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["dry_run"] is True
    assert document["runs"][0]["lines"]["corpus/real.jsonl"] == 1
    assert command(["corpus", "forget", PERSON.id, "--json"]) == 0
    (done,) = json.loads(capsys.readouterr().out)["runs"]
    assert (done["run"], done["adapters"]) == ("one", ["adapters/real"])
    assert left_in(folder.root) == []
    assert command(["corpus", "forget", PERSON.id, "--run", str(folder.root)]) == 0
    assert "before" in capsys.readouterr().out
    assert command(["corpus", "forget", "record-0123456789", "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["what"] == "no run has such a record"
    assert "compare-a-b" not in error["where"]
    assert "review" in error["mend"]
