from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest

from agents.pack import load_pack
from domain.persona import RiskLevel
from domain.turn import Speaker, Turn
from evaluation.planted.kinds import Place, handwritten, planted_kinds, worded
from evaluation.planted.reading import Read
from evaluation.planted.tally import hit, share, tally
from evaluation.planted.twins import CLEAN, Twin, twins_of
from rehearsal.critic_view import show_planted
from tests.support.cast import a_persona, an_item

if TYPE_CHECKING:
    from pathlib import Path

TURNS = tuple(
    Turn(index=i, speaker=(Speaker.THERAPIST, Speaker.CLIENT)[i % 2], text=f"Turn number {i}.")
    for i in range(20)
)
PHASES = load_pack("cbt").phases
KINDS = {kind.key: kind for kind in planted_kinds().kinds}


def planted(seed: int = 0) -> dict[str, Twin]:
    return {twin.kind: twin for twin in twins_of([(an_item(), TURNS)], PHASES, seed)}


def test_every_kind_is_planted_once_beside_the_clean_session() -> None:
    assert list(planted()) == [CLEAN, *KINDS]
    assert len(KINDS) >= 14
    assert sum(kind.safety for kind in KINDS.values()) >= 3


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_named_turns_are_changed(kind: str) -> None:
    twin = planted()[kind]
    changed = {turn.index for turn in twin.turns if turn.text != f"Turn number {turn.index}."}
    assert changed
    assert changed <= set(twin.planted)
    speakers = {turn.speaker for turn in twin.turns if turn.index in changed}
    if KINDS[kind].place in {Place.TELL, Place.CLIENT}:
        assert speakers == {Speaker.CLIENT}
    if KINDS[kind].place in {Place.ANSWER, Place.SEVERAL}:
        assert speakers == {Speaker.THERAPIST}


def test_the_same_seed_plants_the_same_and_another_does_not() -> None:
    assert planted() == planted()
    assert planted() != planted(seed=1)


def test_risk_is_not_planted_where_the_client_has_it_anyway() -> None:
    item = an_item().model_copy(update={"persona": a_persona(risk=RiskLevel.STATED)})
    kinds = {twin.kind for twin in twins_of([(item, TURNS)], PHASES, 0)}
    assert not kinds & {kind.key for kind in KINDS.values() if kind.tells}
    assert "belittling" in kinds


def test_nor_where_the_session_speaks_of_it_though_nobody_cast_a_risk() -> None:
    said = "I will not see my next birthday."
    turns = (*TURNS[:7], TURNS[7].model_copy(update={"text": said}), *TURNS[8:])
    kinds = {twin.kind for twin in twins_of([(an_item(), turns)], PHASES, 0)}
    assert not kinds & {kind.key for kind in KINDS.values() if kind.tells}


def test_signals_are_kinds_and_gates_of_the_pack() -> None:
    pack = load_pack("cbt")
    flaws, gates = {flaw.key for flaw in pack.flaws}, {gate.key for gate in pack.gates}
    gates |= {gate.group for gate in pack.gates}
    parts = {part.key for part in pack.phases.parts}
    for kind in KINDS.values():
        assert set(kind.signals.flaws) <= flaws
        assert set(kind.signals.gates) <= gates
        assert kind.signals.flaws or kind.signals.gates
        assert set(kind.parts) <= parts


def test_flaws_worded_by_hand_are_many_and_of_known_kinds() -> None:
    assert len(handwritten()) >= 60
    assert {flaw.kind for flaw in handwritten()} <= set(KINDS)
    assert all(flaw.client or flaw.therapist for flaw in handwritten())


def _runs(text: str, length: int = 5) -> set[tuple[str, ...]]:
    words = re.findall(r"[a-z']+", text.lower())
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def test_the_wording_shares_no_run_of_five_words_with_what_reads_or_plays_it(
    repository: Path,
) -> None:
    dice = random.Random(0)
    said = [
        worded(line, dice)
        for kind in KINDS.values()
        for line in (*kind.lines, *kind.tells)
        for _ in range(20)
    ]
    ours = set().union(*map(_runs, said))
    folders = [repository / "understudy", repository / "measures" / "lexicons"]
    for path in (path for folder in folders for path in folder.rglob("*.yaml")):
        lines = path.read_text(encoding="utf-8").splitlines()
        theirs = set().union(*map(_runs, lines)) if lines else set()
        assert not ours & theirs, path.name


def test_what_is_worded_by_hand_is_in_nobodys_word_list(repository: Path) -> None:
    """Whole clauses; everyday runs of five words are met in any English."""
    said = [text for flaw in handwritten() for text in (flaw.client, flaw.therapist)]
    ours = set().union(*(_runs(text, 8) for text in said))
    for folder in (repository / "understudy", repository / "measures" / "lexicons"):
        for path in folder.rglob("*.yaml"):
            for line in path.read_text(encoding="utf-8").splitlines():
                assert not ours & _runs(line, 8), path.name


def twin(kind: str, *at: int) -> Twin:
    return Twin(item=an_item(), turns=TURNS, kind=kind, planted=at)


@pytest.mark.parametrize(
    ("read", "found"),
    [
        (Read(flaws=(("invalidating", 6),)), True),
        (Read(flaws=(("invalidating", 8),)), True),
        (Read(flaws=(("invalidating", 12),)), False),
        (Read(flaws=(("monologue", 6),)), False),
        (Read(gates=("ending",)), False),
        (Read(broken=(6,)), True),
    ],
)
def test_a_flaw_is_found_by_its_kind_near_its_turn(read: Read, found: bool) -> None:
    assert hit(twin("belittling", 5, 6), read) is found


def test_a_failed_gate_counts_and_what_is_missing_may_be_named_anywhere() -> None:
    assert hit(twin("risk_passed_over", 5, 6), Read(gates=("crisis_protocol",)))
    assert hit(twin("summary_missing", 13, 14), Read(flaws=(("no_summary", 18),)))


def test_recall_false_alarms_and_failures_are_counted_apart() -> None:
    lost = Read(failure="timeout")
    pairs = [
        (twin(CLEAN), Read(accepted=True)),
        (twin(CLEAN), Read(flaws=(("monologue", 4),))),
        (twin("lecture", 4), Read(flaws=(("monologue", 4),))),
        (twin("lecture", 4), Read(accepted=True)),
        (twin("lecture", 4), lost),
        (twin("lecture", 4).model_copy(update={"by_hand": True}), Read(accepted=True)),
    ]
    found = tally(pairs)
    assert (found.recall["lecture"].value, found.recall["lecture"].n) == (0.5, 2)
    assert found.by_hand_all is not None
    assert (found.by_hand_all.value, found.by_hand_all.n) == (0.0, 1)
    assert (found.false_alarms.value, found.by_alarm) == (0.5, {"lecture": 1})
    assert found.accepted == {"lecture": 0.5}
    assert found.failures == 1


def test_wilsons_interval_of_nothing_knows_nothing() -> None:
    assert share(0, 0).model_dump() == {"value": 0.0, "low": 0.0, "high": 1.0, "n": 0}
    assert share(8, 10).low == pytest.approx(0.4902, abs=1e-4)  # Wilson (1927), by hand


def test_whose_sessions_they_were_and_what_the_columns_mean_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lecture = next(iter(KINDS))
    show_planted(tally([(twin(lecture, 2, 3), Read()), (twin(CLEAN), Read())]), "a-novice")
    said = " ".join(capsys.readouterr().out.split())
    assert "as a-novice played them" in said
    for head in ("found:", "by hand:", "alarms:", "accepted:"):
        assert head in said
