from __future__ import annotations

import json
import re
from itertools import chain
from typing import TYPE_CHECKING

import pytest
import yaml

from corpus.data.files import first_names, load_text
from corpus.piicheck.material import SLOT, Material, MaterialSet, load_material
from corpus.piicheck.plant import Planted, PlantedSession, sessions_of
from corpus.piicheck.score import check, is_gone
from corpus.recognisers import Finding
from rehearsal.cli import run

if TYPE_CHECKING:
    from collections.abc import Sequence

HELD_OUT, DEV = (load_material(which) for which in (MaterialSet.HELD_OUT, MaterialSet.DEV))


def parts(names: Sequence[str]) -> set[str]:
    return {part for name in names for part in re.findall(r"[^\W\d_]+", name.lower())}


@pytest.mark.parametrize("material", [HELD_OUT, DEV], ids=["held-out", "dev"])
def test_the_people_are_none_that_the_recognisers_ship(material: Material) -> None:
    shipped = yaml.safe_load(load_text("recognisers.yaml"))
    words = {*first_names(), *shipped["ambiguous"], *shipped["not_names"]}
    assert parts(material.people.first) & words == set()
    assert parts(material.people.last) & words - {"van"} == set()


def test_the_two_halves_share_nothing_that_is_planted() -> None:
    held, dev = HELD_OUT, DEV
    assert not set(held.sentences) & set(dev.sentences)
    assert not set(held.fillers) & set(dev.fillers)
    assert not parts(held.people.first) & parts(dev.people.first)
    assert not parts(held.people.last) & parts(dev.people.last)
    for one, other in ((held.places, dev.places), (held.streets, dev.streets)):
        assert not set(one) & set(other)


def test_no_recogniser_holds_a_sentence_of_the_held_out_half() -> None:
    """No four words in a row that stand beside a slot are in a pattern or a cue."""
    shipped = load_text("recognisers.yaml").lower()
    for sentence in HELD_OUT.sentences:
        plain = SLOT.sub("|", sentence.lower())
        for piece in plain.split("|"):
            said = re.findall(r"[\w']+", piece)
            runs = [" ".join(said[i : i + 4]) for i in range(len(said) - 3)]
            assert not [run for run in runs if run in shipped], sentence


def test_what_is_planted_stands_where_it_is_said_to() -> None:
    for session in sessions_of(DEV, 1, 3):
        for one in session.planted:
            value = session.texts[one.text][one.start : one.end]
            assert value
            assert value == value.strip()
            if one.kind == "rostered_names":
                known = " ".join(session.names).lower()
                assert value.lower() in known


def test_the_same_seed_plants_the_same() -> None:
    assert list(sessions_of(DEV, 2, 5)) == list(sessions_of(DEV, 2, 5))
    assert list(sessions_of(DEV, 2, 5)) != list(sessions_of(DEV, 2, 6))


def test_every_sentence_is_planted_as_often_as_was_asked() -> None:
    cases = [one.case[0] for session in sessions_of(DEV, 2, 5) for one in session.planted]
    slots = {sentence: len(SLOT.findall(sentence)) for sentence in DEV.sentences}
    assert all(cases.count(sentence) == 2 * n for sentence, n in slots.items())


def test_an_identifier_is_gone_only_when_every_telling_word_is() -> None:
    text = "born on the third of March here"
    planted = Planted("date", 0, 8, 26, ("", ""))
    assert is_gone(text, planted, [Finding("date", 12, 26)])
    assert not is_gone(text, planted, [Finding("date", 12, 17)])
    assert not is_gone(text, planted, [])


def test_what_nobody_planted_is_counted() -> None:
    def finder(texts: Sequence[str], names: Sequence[str]) -> list[list[Finding]]:
        return [[Finding("name", 0, 4)] for _ in texts]

    session = PlantedSession(
        ("Some words here", "Yaya is here"), (), (Planted("rostered_names", 1, 0, 4, ("", "")),)
    )
    result = check([session], "dev", finder=finder)
    assert result.recall["rostered_names"] == 1.0
    assert (result.over_redacted, result.tokens) == (1, 5)
    assert result.missed == ("over_redaction",)


def test_nothing_found_is_a_recall_of_nought_and_everything_is_one() -> None:
    sessions = list(sessions_of(DEV, 1, 4))
    nothing = check(sessions, "dev", finder=lambda texts, names: [[] for _ in texts])
    assert set(nothing.recall.values()) == {0.0}
    everything = check(
        sessions,
        "dev",
        finder=lambda texts, names: [[Finding("x", 0, len(text))] for text in texts],
    )
    assert set(everything.recall.values()) == {1.0}
    assert everything.over_redaction == 1.0


def test_the_verb_ends_with_3_when_a_bar_is_missed_and_prints_its_document(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run(["corpus", "pii-check", "--set", "dev", "--repeats", "1", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert code == (3 if document["missed"] else 0)
    assert {"structured", "rostered_names", "unrostered_names"} <= set(document["recall"])
    assert document["planted"]["structured"] >= 50
    assert all(
        low <= document["recall"][kind] + 1e-9 and document["recall"][kind] <= high + 1e-9
        for kind, (low, high) in document["intervals"].items()
    )
    assert set(chain(document["bars"])) == {
        "structured",
        "rostered_names",
        "unrostered_names",
        "over_redaction",
        "flagged",
    }
    assert document["flagged"]["recall"] >= 0.95
