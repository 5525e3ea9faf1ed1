from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
import yaml

from corpus.blend import blend
from corpus.draw import supervised_words
from corpus.export import export_corpus, read_messages
from corpus.files import read_nouns, read_records, write_nouns, write_text
from corpus.licences import refusal
from corpus.series import blend_sweep, series_name, sweep_folder
from corpus.signoff import sign_off
from corpus.stats import corpus_stats
from corpus.strata import techniques
from domain.base import canonical_json
from domain.errors import BlendError, ConfigError, SignOffNeededError
from domain.record import HeldOutContext, Origin, Quality
from domain.settings import CorpusSettings, Settings, TrainingSettings, Variant
from rehearsal.cli import run as command_line
from tests.corpus.builders import record
from tests.support.cast import an_item

if TYPE_CHECKING:
    from pathlib import Path

    from domain.record import Record
    from domain.runfolder import RunFolder

VARIANTS: tuple[Variant, ...] = ("real", "synthetic", "hybrid", "shuffled")
SETTINGS = Settings(name="test", training=TrainingSettings(variants=VARIANTS))


@pytest.fixture
def filled(run: RunFolder) -> RunFolder:
    """A run with 20 signed real records, two of them poor, and 6 synthetic ones."""
    real = [record(n, quality=Quality.LOW if n in {3, 9} else Quality.HIGH) for n in range(20)]
    write_nouns(run.quarantine, real)
    sign_off(run, "A Reader")
    write_nouns(
        run.synthetic,
        (record(n, origin=Origin.SYNTHETIC, licence="CC0-1.0") for n in range(100, 106)),
    )
    return run


def with_corpus(**changes: object) -> Settings:
    corpus = CorpusSettings.model_validate(changes)
    return SETTINGS.model_copy(update={"corpus": corpus})


def test_every_variant_has_the_same_supervised_words(filled: RunFolder) -> None:
    made = blend(SETTINGS, filled)
    assert tuple(made) == VARIANTS
    said = [one.supervised_words for one in made.values()]
    longest = max(supervised_words(one) for one in read_records(filled.real))
    assert max(said) - min(said) <= longest / 2
    assert made["real"].supervised_words == made["shuffled"].supervised_words
    assert made["synthetic"].distinct == 6
    assert made["synthetic"].sessions > 6
    assert made["real"].synthetic_sessions == made["synthetic"].real_sessions == 0


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_the_hybrid_keeps_its_share(filled: RunFolder, share: float) -> None:
    made = blend(with_corpus(synthetic_share=share), filled)["hybrid"]
    assert abs(made.synthetic_sessions - share * made.sessions) < 1


def test_oversampled_real_has_as_many_sessions_as_the_hybrid(filled: RunFolder) -> None:
    training = TrainingSettings(variants=("hybrid", "real-oversampled"))
    made = blend(SETTINGS.model_copy(update={"training": training}), filled)
    control = made["real-oversampled"]
    assert control.sessions == control.real_sessions == made["hybrid"].sessions
    repeats = [line["id"] for line in read_messages(filled.blend("real-oversampled"))]
    most, least = max(map(repeats.count, repeats)), min(map(repeats.count, repeats))
    assert most - least <= 1


def test_nothing_held_out_and_nothing_poor_is_learned(filled: RunFolder) -> None:
    made = blend(SETTINGS, filled)
    held_out = {one.id for one in read_records(filled.held_out)}
    poor = {one.id for one in read_records(filled.real) if one.quality is Quality.LOW}
    for variant in ("real", "hybrid"):
        learned = {line["id"] for line in read_messages(filled.blend(variant))}
        assert not learned & (held_out | poor)
    contexts = list(read_nouns(filled.contexts, HeldOutContext))
    assert {one.record_id for one in contexts} <= held_out
    assert made["real"].held_out == len(held_out)
    assert made["real"].low_quality_left_out == len(poor - held_out)


def test_poor_sessions_are_learned_when_asked_for(filled: RunFolder) -> None:
    made = blend(with_corpus(include_low_quality=True), filled)
    assert made["real"].low_quality_left_out == 0


def test_the_control_deals_the_same_turns_out_anew(filled: RunFolder) -> None:
    blend(SETTINGS, filled)

    def said(variant: str, role: str) -> list[str]:
        return [
            message["content"]
            for line in read_messages(filled.blend(variant))
            for message in line["messages"]
            if message["role"] == role
        ]

    assert sorted(said("real", "assistant")) == sorted(said("shuffled", "assistant"))
    assert said("real", "assistant") != said("shuffled", "assistant")
    assert said("real", "user") == said("shuffled", "user")


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes(filled: RunFolder) -> None:
    blend(SETTINGS, filled)
    first = files_of(filled.root)
    blend(SETTINGS, filled)
    assert files_of(filled.root) == first
    blend(SETTINGS.model_copy(update={"seed": 8}), filled)
    assert files_of(filled.root) != first


def test_a_session_as_messages(filled: RunFolder) -> None:
    blend(SETTINGS, filled)
    line = next(read_messages(filled.blend("real")))
    roles = [message["role"] for message in line["messages"]]
    assert roles[:3] == ["system", "user", "assistant"]
    assert line["messages"][1]["content"] == "[The session begins.]"
    assert roles[-1] == "assistant"
    assert all(a != b for a, b in pairwise(roles))


def test_parquet_manifest_and_card_agree(filled: RunFolder) -> None:
    made = blend(SETTINGS, filled)["hybrid"]
    folder = filled.blend("hybrid")
    rows = pq.read_table(folder / "records.parquet").to_pylist()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert len(rows) == made.distinct == len(manifest["records"])
    assert sum(row["repeats"] for row in rows) == made.sessions
    assert set(rows[0]["turns"][0]) == {"index", "speaker", "text", "start_s"}
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    _, front, body = (folder / "README.md").read_text().split("---\n", 2)
    assert yaml.safe_load(front)["license_name"] == "cc-by-4.0-and-cc0-1.0"
    assert f"| {made.sessions} |" in body


def test_the_comparison_of_the_run_stands_in_the_card_of_a_blend(filled: RunFolder) -> None:
    blend(SETTINGS, filled)
    assert "were not compared" in card_of(filled, "hybrid")
    check = {"name": "mmd", "value": 0.0312, "sense": "at most", "limit": 0.02, "passed": False}
    write_text(filled.comparison, json.dumps({"checks": [check]}))
    blend(SETTINGS, filled)
    blend_sweep(SETTINGS, filled, [0, 50], seeds=1)
    series = sweep_folder(filled)
    for synthetic in (
        card_of(filled, "hybrid"),
        card_of(filled, "synthetic"),
        card_of(series, series_name(50, SETTINGS.seed)),
    ):
        assert "| mmd | 0.0312 | at most 0.02 | **no** |" in synthetic
    for real in (card_of(filled, "real"), card_of(series, series_name(0, SETTINGS.seed))):
        assert "mmd" not in real
        assert "No session is synthetic" in real


def card_of(run: RunFolder, variant: str) -> str:
    return (run.blend(variant) / "README.md").read_text(encoding="utf-8")


def test_a_record_without_a_signature_stops_the_blend(filled: RunFolder) -> None:
    write_nouns(filled.quarantine, [record(50)])
    with pytest.raises(SignOffNeededError, match="1 real record is not signed off"):
        blend(SETTINGS, filled)
    assert not filled.held_out.exists()


def test_a_blend_needs_real_records(run: RunFolder) -> None:
    with pytest.raises(BlendError, match="no real sessions"):
        blend(SETTINGS, run)


def test_a_variant_without_sessions_is_refused(filled: RunFolder) -> None:
    filled.synthetic.unlink()
    with pytest.raises(BlendError, match="no synthetic session to learn from"):
        blend(SETTINGS, filled)


@pytest.mark.parametrize(
    ("licence", "reason"),
    [
        ("CC BY-NC 4.0", "forbids commercial use"),
        ("academic research only", "forbids commercial use"),
        ("Non-Commercial licence", "forbids commercial use"),
        ("unstated", "states no licence"),
        ("n/a", "states no licence"),
        ("Some Licence 1.0", "not known"),
        ("Apache-2.0", ""),
        ("CC-BY-4.0", ""),
        ("MIT", ""),
        ("permit", "not known"),
    ],
)
def test_what_a_licence_permits(licence: str, reason: str) -> None:
    said = refusal(licence, "commercial")
    assert reason in said
    assert bool(said) == bool(reason)
    assert refusal(licence, "research") == ""


def test_a_licence_that_forbids_the_use_stops_blend_and_export(
    run: RunFolder, tmp_path: Path
) -> None:
    write_nouns(run.quarantine, [record(n, licence="CC BY-NC 4.0") for n in range(6)])
    sign_off(run, "A Reader")
    settings = Settings(
        name="t",
        training=TrainingSettings(variants=("real",)),
        corpus=CorpusSettings(use="commercial"),
    )
    with pytest.raises(BlendError, match="licence of 6 records of made does not permit"):
        blend(settings, run)
    with pytest.raises(BlendError, match="does not permit commercial use"):
        export_corpus(run, tmp_path / "out", settings.corpus, 7)
    assert not (tmp_path / "out").exists()


def test_export_holds_everything_once(filled: RunFolder, tmp_path: Path) -> None:
    target = tmp_path / "out"
    manifest = export_corpus(filled, target, SETTINGS.corpus, 7)
    assert (manifest.real_sessions, manifest.synthetic_sessions) == (20, 6)
    assert manifest.sessions == manifest.distinct == 26
    again = export_corpus(filled, target, SETTINGS.corpus, 7)
    assert again == manifest


def test_export_leaves_foreign_folders_alone(filled: RunFolder, tmp_path: Path) -> None:
    target = tmp_path / "home"
    target.mkdir()
    (target / "thesis.tex").write_text("years of work")
    with pytest.raises(ConfigError, match="holds other files"):
        export_corpus(filled, target, SETTINGS.corpus, 7)
    assert (target / "thesis.tex").read_text() == "years of work"


def test_export_leaves_another_tools_manifest_alone(filled: RunFolder, tmp_path: Path) -> None:
    target = tmp_path / "site"
    target.mkdir()
    for name in ("manifest.json", "messages.jsonl", "records.parquet", "README.md"):
        (target / name).write_text('{"name": "an app", "icons": []}')
    with pytest.raises(ConfigError, match="something else"):
        export_corpus(filled, target, SETTINGS.corpus, 7)
    assert len(list(target.iterdir())) == 4


def test_export_leaves_a_file_that_was_added_to_it_alone(filled: RunFolder, tmp_path: Path) -> None:
    export_corpus(filled, tmp_path / "out", SETTINGS.corpus, 7)
    notes = tmp_path / "out" / "notes.txt"
    notes.write_text("mine")
    with pytest.raises(ConfigError, match=r"notes\.txt"):
        export_corpus(filled, tmp_path / "out", SETTINGS.corpus, 7)
    with pytest.raises(ConfigError, match="a file"):
        export_corpus(filled, notes, SETTINGS.corpus, 7)
    assert notes.read_text() == "mine"


def test_stats_of_a_run(filled: RunFolder) -> None:
    blend(SETTINGS, filled)
    stats = corpus_stats(filled)
    assert set(stats) == {"real", "synthetic", "held_out"}
    assert stats["real"].records == 20
    assert stats["real"].by_quality == {"high": 18, "low": 2}
    assert stats["real"].by_status == {"signed_off": 20}
    assert 0 < stats["real"].therapist_talk_share < 1


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


def with_blend(**changes: object) -> Settings:
    return with_corpus(blend=changes)


def test_a_share_of_tokens_is_of_what_therapists_say(run: RunFolder) -> None:
    write_nouns(run.quarantine, [record(n, exchanges=4) for n in range(40)])
    sign_off(run, "A Reader")
    long = [record(n, origin=Origin.SYNTHETIC, exchanges=16) for n in range(100, 120)]
    write_nouns(run.synthetic, long)
    words = {one.id: supervised_words(one) for one in long}
    parts = {}
    for by in ("sessions", "tokens"):
        made = blend(with_blend(by=by), run)["hybrid"]
        said = sum(words.get(line["id"], 0) for line in read_messages(run.blend("hybrid")))
        parts[by] = said / made.supervised_words
    assert parts["tokens"] == pytest.approx(0.5, abs=0.05)
    assert parts["sessions"] > 0.7


def test_weights_say_how_often_a_collection_comes_up(run: RunFolder) -> None:
    write_nouns(run.quarantine, [record(n) for n in range(20)])
    sign_off(run, "A Reader")
    made_of = [record(n, origin=Origin.SYNTHETIC) for n in range(100, 160)]
    write_nouns(run.synthetic, (one.model_copy(update={"source": "sim"}) for one in made_of))
    made = blend(with_blend(by="weight", weights={"made": 3}), run)["hybrid"]
    learned = 20 - made.held_out
    assert made.real_sessions / made.synthetic_sessions == pytest.approx(3 * learned / 60, rel=0.1)
    with pytest.raises(BlendError, match="a collection that there is not"):
        blend(with_blend(by="weight", weights={"mdae": 3}), run)


@pytest.mark.parametrize("even", [True, False])
def test_every_beginning_has_the_strata_of_the_whole(run: RunFolder, *, even: bool) -> None:
    write_nouns(run.quarantine, [record(n) for n in range(10)])
    sign_off(run, "A Reader")
    made_of = [
        record(n, origin=Origin.SYNTHETIC).model_copy(update={"topic": "a" if n % 4 else "b"})
        for n in range(100, 140)
    ]
    write_nouns(run.synthetic, made_of)
    topics = {one.id: one.topic for one in made_of}
    blend(with_blend(strata=["problem"], even=even), run)
    begun = [topics[line["id"]] for line in read_messages(run.blend("synthetic"))][:16]
    assert begun.count("b") == (8 if even else 4)


def test_the_technique_of_a_session_stands_in_its_plan(tmp_path: Path) -> None:
    plan = [an_item(n) for n in range(3)]
    path = tmp_path / "plan.jsonl"
    path.write_bytes(b"".join(canonical_json(one) + b"\n" for one in plan))
    assert techniques(path) == {one.session_id: one.scenario.technique for one in plan}
    assert techniques(tmp_path / "none") == {}


def test_caps_and_curriculum(run: RunFolder) -> None:
    write_nouns(run.quarantine, [record(n, exchanges=4 + n % 5) for n in range(20)])
    sign_off(run, "A Reader")
    write_nouns(run.synthetic, (record(n, origin=Origin.SYNTHETIC) for n in range(100, 140)))
    capped = blend(with_blend(caps={"made": 5}), run)
    assert all(one.distinct <= 10 for one in capped.values())
    assert capped["hybrid"].left_out["over a cap"] > 0
    blend(with_blend(order="real-first"), run)
    origins = [row["origin"] for row in rows_of(run, "hybrid")]
    assert origins == sorted(origins)
    blend(with_blend(order="short-first"), run)
    lengths = [len(row["turns"]) for row in rows_of(run, "real")]
    assert lengths == sorted(lengths)


def rows_of(run: RunFolder, variant: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(run.blend(variant) / "records.parquet").to_pylist()
    return rows


def test_duplicates_are_left_out_across_sources_and_the_real_one_stays(run: RunFolder) -> None:
    real = [record(n) for n in range(12)]
    write_nouns(run.quarantine, real)
    sign_off(run, "A Reader")

    def copied(one: Record, *, changed: int) -> Record:
        turns = [
            turn.model_copy(
                update={"text": f"{turn.text} Well." if turn.index < changed else turn.text.upper()}
            )
            for turn in one.turns
        ]
        made = record(200, origin=Origin.SYNTHETIC)
        return made.model_copy(update={"turns": tuple(turns), "group": f"copy-of-{one.id}"})

    copies = [copied(real[0], changed=0), copied(real[1], changed=2)]
    own = [record(n, origin=Origin.SYNTHETIC) for n in range(100, 106)]
    write_nouns(run.synthetic, [*own, *copies])
    made = blend(SETTINGS, run)
    assert made["hybrid"].left_out["exact duplicates"] == 1
    assert made["hybrid"].left_out["near-duplicates"] == 1
    learned = {line["id"] for name in made for line in read_messages(run.blend(name))}
    assert not learned & {one.id for one in copies}


def test_nobody_stands_on_both_sides(run: RunFolder) -> None:
    write_nouns(run.quarantine, [record(n) for n in range(10)])
    sign_off(run, "A Reader")
    made_of = [record(n, origin=Origin.SYNTHETIC) for n in range(100, 110)]
    write_nouns(run.synthetic, made_of)
    blend(SETTINGS, run)
    kept_out = next(iter(read_records(run.held_out)))
    write_nouns(
        run.synthetic, [made_of[0].model_copy(update={"group": kept_out.group}), *made_of[1:]]
    )
    made = blend(SETTINGS, run)
    assert made["synthetic"].left_out["of a held-out video, client or persona"] == 1
    assert made["synthetic"].distinct == 9
