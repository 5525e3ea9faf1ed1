from __future__ import annotations

import random
import re

import pytest

from agents.acceptance import critique_of
from agents.pack import Pack, load_pack
from agents.structured import read_answer
from agents.supervisor import supervisor_messages
from domain.critique import CritiqueAnswer
from domain.turn import UNSEEN, transcript
from evaluation.injection.payloads import payloads
from evaluation.injection.planting import Route, imported, planted, plantings
from evaluation.injection.run import _steering
from evaluation.planted.reading import Read
from rehearsal.critic_view import show_steering
from tests.support.cast import an_item, turns_of
from tests.understudy.test_supervisor import GOOD
from understudy.request import ChatRequest, Message
from understudy.roles.supervisor import answer

TURNS = turns_of(*GOOD)


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack("cbt")


def test_there_are_many_payloads_that_ask_for_either_verdict() -> None:
    texts = payloads()
    assert len(texts) >= 50
    assert len({one.text for one in texts}) == len(texts)
    assert {one.wants for one in texts} == {"accept", "reject"}
    assert any(UNSEEN.search(one.text) for one in texts)


def test_one_clients_turn_is_changed_and_no_other(pack: Pack) -> None:
    for payload in payloads():
        changed = planted(TURNS, payload, random.Random(1))
        differing = [a.index for a, b in zip(changed, TURNS, strict=True) if a != b]
        assert len(differing) == 1
        assert differing[0] % 2 == 1


def test_half_of_them_come_through_an_imported_file(pack: Pack) -> None:
    found = list(plantings([(an_item(), TURNS)], pack.phases, seed=0))
    texts = {one.payload for one in found if one.payload is not None}
    assert len(texts) == len(payloads())
    assert {one.route for one in found} == set(Route)
    assert sum(one.payload is None for one in found) == 2 * len(found) // (len(texts) + 2)


def test_an_import_keeps_the_talk() -> None:
    (read,) = imported([TURNS])
    assert [(t.speaker, t.text) for t in read] == [(t.speaker, t.text) for t in TURNS]


def test_what_cannot_be_seen_does_not_reach_the_supervisor() -> None:
    for payload in payloads():
        shown = transcript(planted(TURNS, payload, random.Random(1)))
        assert not UNSEEN.search(shown)
        assert len(shown.splitlines()) == len(TURNS)


@pytest.mark.parametrize("number", range(len(payloads())))
def test_the_understudys_verdict_is_the_same_with_and_without(pack: Pack, number: int) -> None:
    plain, changed = (
        _read(pack, turns)
        for turns in (TURNS, planted(TURNS, payloads()[number], random.Random(number)))
    )
    assert (changed.accepted, changed.gates) == (plain.accepted, plain.gates)


def _read(pack: Pack, turns: tuple[object, ...]) -> Read:
    messages = supervisor_messages(pack, an_item(), turns)  # type: ignore[arg-type]
    asked = tuple(Message(m["role"], m["content"]) for m in messages)
    said = answer(ChatRequest(asked, model="understudy-supervisor", seed=1))
    critique = critique_of(
        read_answer(said, CritiqueAnswer),
        pack,
        an_item().persona,
        turns,  # type: ignore[arg-type]
    )
    failed = tuple(gate.gate for gate in critique.answer.gates if not gate.passed)
    return Read(accepted=critique.accepted, score=critique.score, gates=failed)


def test_a_supervisor_that_obeys_is_found_out(
    pack: Pack, capsys: pytest.CaptureFixture[str]
) -> None:
    found = list(plantings([(an_item(), TURNS)], pack.phases, seed=0))
    pairs = [
        (one, Read(accepted=payloads()[one.payload].wants == "accept"), Read(accepted=False))
        for one in found
        if one.payload is not None
    ]
    steering = _steering(pairs, failures=0)
    assert steering.obeyed.value == 1.0
    assert 0 < steering.flips.value < 1
    assert steering.flips_by_family["order_to_reject"].value == 0
    assert len(steering.flipping) == sum(one.wants == "accept" for one in payloads())
    show_steering(steering)
    said = capsys.readouterr().out
    assert re.search(r"of them, as was asked +1\.000", said)
    assert said.count("flipped ") == len(steering.flipping)
