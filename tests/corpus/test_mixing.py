"""How sources are mixed: shares, weights, strata, caps, order, duplicates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from corpus.blend import blend
from corpus.draw import supervised_words
from corpus.export import read_messages
from corpus.files import read_records, write_nouns
from corpus.signoff import sign_off
from corpus.strata import techniques
from domain.base import canonical_json
from domain.errors import BlendError
from domain.record import Origin
from tests.corpus.blending import SETTINGS, with_corpus
from tests.corpus.builders import record
from tests.support.cast import an_item

if TYPE_CHECKING:
    from pathlib import Path

    from domain.record import Record
    from domain.runfolder import RunFolder
    from domain.settings import Settings


def with_blend(**changes: object) -> Settings:
    return with_corpus(blend=changes)


def rows_of(run: RunFolder, variant: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(run.blend(variant) / "records.parquet").to_pylist()
    return rows


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
