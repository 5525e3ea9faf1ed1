"""Duplicates of a whole corpus, found on disk: the same ones that comparing all pairs finds."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np

from corpus.bulk.dedupe import sift
from corpus.files import write_nouns
from corpus.near import near_pairs
from domain.record import Deidentification, Origin, Provenance, Quality, Record
from domain.turn import Speaker, Turn

if TYPE_CHECKING:
    from pathlib import Path

THRESHOLD = 0.7


def talks() -> list[str]:
    """Families of three: a talk, one with a word in a hundred changed, and another talk."""
    rng = random.Random(3)
    found = []
    for _ in range(40):
        words = [f"w{rng.randrange(3000)}" for _ in range(200)]
        changed = [*words]
        for at in (50, 150):
            changed[at] = "changed"
        other = [f"w{rng.randrange(3000)}" for _ in range(200)]
        found += [" ".join(words), " ".join(changed), " ".join(other)]
    return [*found, found[0].upper()]


def record(number: int, text: str) -> Record:
    half = len(text) // 2
    parts = (text[:half], text[half:])
    return Record(
        origin=Origin.SYNTHETIC,
        source="made",
        licence="Apache-2.0",
        topic="a topic",
        group=f"group-{number}",
        quality=Quality.HIGH,
        deidentification=Deidentification.NOT_NEEDED,
        turns=tuple(
            Turn(index=i, speaker=speaker, text=part)
            for i, (speaker, part) in enumerate(zip(Speaker, parts, strict=True))
        ),
        provenance=Provenance(source_hash=f"{number:064d}"),
    )


def test_it_finds_what_comparing_all_pairs_finds(tmp_path: Path) -> None:
    texts = talks()
    path = tmp_path / "records.jsonl"
    write_nouns(path, (record(number, text) for number, text in enumerate(texts)))
    found = sift([path], THRESHOLD)
    later = {j for _, j in near_pairs(texts, THRESHOLD)}
    assert set(np.flatnonzero(found.near | found.exact).tolist()) == later
    assert np.flatnonzero(found.exact).tolist() == [len(texts) - 1]
    assert len(later) == 41


def test_rows_keep_their_groups_and_ids(tmp_path: Path) -> None:
    records = [record(number, text) for number, text in enumerate(talks()[:5])]
    path = tmp_path / "records.jsonl"
    write_nouns(path, records)
    index = sift([path], None).index
    rows = np.array([3, 1])
    assert index.ids_of(rows) == [records[3].id, records[1].id]
    assert index.groups_of(rows) == ["group-3", "group-1"]
    assert index.among({records[2].id}).tolist() == [False, False, True, False, False]
    assert index.among(frozenset()).tolist() == [False] * 5
