from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from corpus.files import write_nouns
from domain.record import HeldOutContext, Origin
from domain.turn import Speaker, Turn
from domain.verdict import Answer, Verdict
from evaluation.controls.candidates import control_contexts, control_role, control_round
from evaluation.controls.shuffle import shuffled
from evaluation.statistics import summarise
from evaluation.summary import AGAIN, EXPERT, NOVICE, PLAIN, SHUFFLED
from tests.evaluation.invented_run import make_run, record

if TYPE_CHECKING:
    from pathlib import Path

    from domain.record import Record
    from evaluation.summary import Control, Summary


def context(number: int, session: int) -> HeldOutContext:
    return HeldOutContext(
        record_id=f"record-{session}",
        topic="sleep",
        group=f"video-{session}",
        origin=Origin.REAL,
        turns=(Turn(index=0, speaker=Speaker.CLIENT, text=f"I lay awake, night {number}."),),
        reference=f"That sounds long, night {number}.",
    )


def judged(levels: dict[str, float], sessions: int = 14, noise: float = 0.6) -> Summary:
    draw, found = random.Random(2), []
    for number in range(2 * sessions):
        for variant, level in levels.items():
            for criterion in ("empathy", "relevance"):
                score = round(min(5, max(1, draw.gauss(level, noise))))
                found.append(
                    Verdict(
                        scenario_id=f"x{number}",
                        variant=variant,
                        criterion=criterion,
                        score=score,
                        call="",
                    )
                )
    groups = {f"x{number}": f"s{number % sessions}" for number in range(2 * sessions)}
    return summarise(found, groups, samples=200, seed=3)


def by_name(found: Summary) -> dict[str, Control]:
    return {one.name.split()[0]: one for one in found.controls}


GOOD = {"base": 2.0, EXPERT: 4.0, NOVICE: 2.4, AGAIN: 4.0, PLAIN: 4.0, SHUFFLED: 2.6}


def test_a_judge_that_sees_passes_every_control() -> None:
    found = judged(GOOD)
    assert [one.passed for one in found.controls] == [True, True, True]
    assert found.controls_failed == ()
    assert {mean.variant for mean in found.means} == {"base"}  # they are no models under test


@pytest.mark.parametrize(
    ("levels", "failed"),
    [
        ({NOVICE: 4.0}, "expert"),
        ({NOVICE: 5.0}, "expert"),  # told apart, but the wrong way round
        ({AGAIN: 3.0}, "one"),
        ({SHUFFLED: 4.0}, "answers"),
    ],
)
def test_a_judge_that_does_not_fails_the_one_it_must(levels: dict[str, float], failed: str) -> None:
    found = judged(GOOD | levels)
    assert [one.name.split()[0] for one in found.controls_failed] == [failed]


def test_few_sessions_decide_nothing() -> None:
    controls = by_name(judged(GOOD, sessions=7))
    assert controls["expert"].passed is None
    assert "too few" in controls["expert"].detail
    assert controls["one"].passed is not None  # six sessions reach 0.05


def test_no_controls_are_no_passed_controls() -> None:
    assert judged({"base": 3.0}).controls == ()


def test_every_answer_is_dealt_to_another_session() -> None:
    contexts = [context(n, n % 5) for n in range(23)]
    answers = [
        Answer(scenario_id=one.id, variant=PLAIN, text=one.group, call="c") for one in contexts
    ]
    dealt = shuffled(contexts, answers, seed=4)
    groups = {one.id: one.group for one in contexts}
    assert len(dealt) == 23
    assert all(groups[one.scenario_id] != one.text for one in dealt)
    assert sorted(one.text for one in dealt) == sorted(one.text for one in answers)
    assert dealt == shuffled(contexts, answers[::-1], seed=4)


def test_an_answer_that_could_only_go_to_its_own_session_is_left_out() -> None:
    contexts = [context(n, int(n > 2)) for n in range(4)]
    answers = [
        Answer(scenario_id=one.id, variant=PLAIN, text=one.group, call="c") for one in contexts
    ]
    groups = {one.id: one.group for one in contexts}
    dealt = shuffled(contexts, answers, seed=1)
    assert 0 < len(dealt) < 4
    assert all(groups[one.scenario_id] != one.text for one in dealt)


def test_the_skill_is_dialled_where_a_model_has_a_dial_and_told_where_not(tmp_path: Path) -> None:
    settings, _ = make_run(tmp_path, roles={"therapist": {"model": "understudy-therapist"}})
    therapist = settings.roles.therapist
    assert control_role(therapist, NOVICE).model == "understudy-therapist:novice"
    assert control_role(therapist, AGAIN).model == "understudy-therapist:expert"
    other = therapist.model_copy(update={"model": "some-model"})
    assert control_role(other, NOVICE) == other


def test_an_endpoint_without_trust_is_not_asked_and_the_reason_is_kept(tmp_path: Path) -> None:
    settings, folder = make_run(tmp_path)
    contexts = [context(n, n) for n in range(9)]
    found = control_round(settings, folder, contexts, lambda *_: None)
    asked = [one for one in found.answers if one.variant == EXPERT]
    assert len(asked) == 9
    assert all("not trusted_for_real" in one.failure for one in asked)
    mixed = [one for one in found.answers if one.variant == SHUFFLED]
    assert len(mixed) == 9  # the real therapists' own replies are shuffled instead


def test_controls_can_be_left_out(tmp_path: Path) -> None:
    settings, folder = make_run(tmp_path, evaluation={"controls": False})
    assert control_round(settings, folder, [context(1, 1)], lambda *_: None).answers == ()


def talk(number: int) -> Record:
    """A real session with several places that a counsellor is to answer."""
    said = ("Welcome.", "I hardly slept at all.", "That is hard.", "It goes on every night now.")
    turns = tuple(
        Turn(index=at, speaker=(Speaker.THERAPIST, Speaker.CLIENT)[at % 2], text=f"{text} {number}")
        for at, text in enumerate(said * 3)
    )
    return record(number, Origin.REAL).model_copy(update={"turns": turns})


@pytest.mark.parametrize(("asked", "found"), [({}, 4), ({"control_scenarios": 7}, 7)])
def test_controls_have_as_many_scenarios_as_are_asked_for(
    tmp_path: Path, asked: dict[str, int], found: int
) -> None:
    trusted = {"judge": {"model": "m", "trusted_for_real": True}}
    settings, folder = make_run(tmp_path, roles=trusted, evaluation=asked)
    held_out = [context(n, n) for n in range(4)]
    write_nouns(folder.real, [talk(number) for number in range(4)])
    assert len(control_contexts(settings, folder, held_out)) == found
