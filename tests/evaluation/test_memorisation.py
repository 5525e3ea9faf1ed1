from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from corpus.canaries import exposure, write_exposures
from corpus.card import CardFacts
from corpus.export import write_export
from corpus.files import write_nouns
from domain.errors import StoreError
from domain.record import HeldOutContext, Origin
from domain.runfolder import RunFolder
from domain.turn import Speaker, Turn
from domain.verdict import Answer
from evaluation.memorisation import FILE, measure_memorisation, read_memorisation
from evaluation.summary import REFERENCE
from tests.corpus.builders import record

if TYPE_CHECKING:
    from pathlib import Path

UNSEEN = record(3).model_copy(
    update={
        "turns": (
            Turn(index=0, speaker=Speaker.THERAPIST, text="Shall we open the blue window again?"),
        )
    }
)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run with four real records, of which two are in the blend and one is held out."""
    made = RunFolder(tmp_path / "run")
    records = [*(record(number) for number in range(3)), UNSEEN]
    write_nouns(made.real, records)
    write_nouns(made.held_out, records[3:])
    write_export(made.blend("real"), records[:2], CardFacts(name="x", seed=1))
    return made


def context() -> HeldOutContext:
    return HeldOutContext(
        record_id=UNSEEN.id,
        topic="work",
        group="group-3",
        origin=Origin.REAL,
        turns=(Turn(index=0, speaker=Speaker.CLIENT, text="I was at home."),),
        reference="I see.",
    )


def said(variant: str, text: str) -> Answer:
    return Answer(scenario_id=context().id, variant=variant, text=text, call="x")


def test_a_copy_of_what_was_trained_on_is_told_from_chance(folder: RunFolder) -> None:
    copied, chance = record(1).turns[0].text, UNSEEN.turns[0].text
    write_exposures(folder, {"real": [exposure(1.0, [2.0, 3.0, 4.0], 1)]})
    found = measure_memorisation(
        folder,
        [context()],
        [
            said("base", "Tell me about it."),
            said("real", copied),
            said("real", chance),
            said(REFERENCE, copied),
        ],
    )
    base, real = found.models
    assert (base.variant, base.seen.words, base.exposure) == ("base", 0, None)
    assert real.seen.record_id == record(1).id
    assert real.seen.words >= 11
    assert real.scenario_id == context().id
    assert real.unseen.record_id == UNSEEN.id
    assert real.exposure == 2.0
    assert read_memorisation(folder) == found


def test_no_words_of_anybody_are_written(folder: RunFolder) -> None:
    measure_memorisation(folder, [context()], [said("real", record(1).turns[0].text)])
    written = (folder.evaluation / FILE).read_text(encoding="utf-8")
    assert "mind" not in written
    assert record(1).id in written


def test_nothing_measured_is_nothing_and_damage_is_named(folder: RunFolder) -> None:
    assert read_memorisation(folder).models == ()
    folder.evaluation.mkdir()
    (folder.evaluation / FILE).write_text("{", encoding="utf-8")
    with pytest.raises(StoreError, match="memorisation"):
        read_memorisation(folder)
