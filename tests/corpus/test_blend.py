"""Blends: equal words, what is kept out, what is refused, the same bytes."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from typing import TYPE_CHECKING

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
from domain.errors import BlendError, SignOffNeededError
from domain.record import HeldOutContext, Quality
from domain.settings import CorpusSettings, Settings, TrainingSettings
from tests.corpus.blending import SETTINGS, VARIANTS, fill, with_corpus
from tests.corpus.builders import record

if TYPE_CHECKING:
    from pathlib import Path

    from domain.runfolder import RunFolder


@pytest.fixture
def filled(run: RunFolder) -> RunFolder:
    return fill(run)


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def card_of(run: RunFolder, variant: str) -> str:
    return (run.blend(variant) / "README.md").read_text(encoding="utf-8")


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


def test_stats_of_a_run(filled: RunFolder) -> None:
    blend(SETTINGS, filled)
    stats = corpus_stats(filled)
    assert set(stats) == {"real", "synthetic", "held_out"}
    assert stats["real"].records == 20
    assert stats["real"].by_quality == {"high": 18, "low": 2}
    assert stats["real"].by_status == {"signed_off": 20}
    assert 0 < stats["real"].therapist_talk_share < 1
