"""How lines are joined: what a reader who reads sessions aloud stumbles over."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from tests.understudy.played import bo, ines, play, therapist_of
from understudy.clauses import as_clause, said_in_passing, sentences, telling_clause
from understudy.notes import Notes, Talk
from understudy.sheets import TherapistSheet
from understudy.skill import Skill
from understudy.style import in_style, manner_of
from understudy.templates import load_grammar
from understudy.therapistvoice import TherapistVoice
from understudy.therapistwords import TherapistWords

SHEET = TherapistSheet("Ines", "", "double_standard", "", 3, (), "", (), "people you trust")


def talk(*heard: str) -> Talk:
    return Talk(("Hello Ines.",) * len(heard), heard, Notes(exchange=6, exchanges=10))


def voice(seed: int, *heard: str) -> TherapistVoice:
    return TherapistVoice(SHEET, talk(*heard), Random(seed), Skill.EXPERT, 0)


@pytest.mark.parametrize(
    ("said", "inside"),
    [
        ("It'd be fairer to say so.", "it'd be fairer to say so"),
        ("They\u2019ll all see me shake.", "they\u2019ll all see me shake"),
        ("I'd rather go.", "I'd rather go"),
        ("Sarah corrected my chart.", "Sarah corrected my chart"),
    ],
)
def test_a_clause_begins_small_whatever_its_first_word_is_short_for(said: str, inside: str) -> None:
    assert as_clause(said) == inside


def test_a_clause_that_is_given_back_has_no_capital_within() -> None:
    given = telling_clause("It'd be fairer to say that nobody looked at me.")
    assert given == "it'd be fairer to say that nobody looked at you"


@pytest.mark.parametrize("step", ["Imagine a close friend in your shoes. What would you say?"])
def test_a_step_that_leaps_is_joined_to_what_was_given_back(step: str) -> None:
    joints = [line.signature for line in load_grammar("therapist")["bridge"]]
    for seed in range(12):
        said = voice(seed, "I've made lists about my lists.").reflected(step)
        assert any(joint in said.lower() for joint in joints), said
        assert said.endswith(step)


def test_what_is_supposed_true_is_a_thought_and_is_named() -> None:
    heard = ('I thought, "they will laugh at me."', "I let the phone ring all evening.")
    for seed in range(12):
        said = voice(seed, *heard).reflected("If that were true, what would it mean to you?")
        assert '"' in said, said


def test_a_question_that_follows_needs_no_joint() -> None:
    joints = [line.signature for line in load_grammar("therapist")["bridge"]]
    said = voice(1, "I've made lists about my lists.").reflected("What did you do then?")
    assert not any(joint in said.lower() for joint in joints)


def test_an_answer_that_begins_with_that_does_not_stand_twice() -> None:
    heard = ("I was low.", "Probably that I have to watch for the signs.")
    assert (
        TherapistWords(SHEET, talk(*heard), Random(0)).view() == "you have to watch for the signs"
    )


def test_no_line_stands_in_every_session() -> None:
    plays = [play(item(), "novice", seed=seed) for item in (ines, bo) for seed in range(10)]
    texts = ["\n".join(therapist_of(turns)).lower() for turns in plays]
    lines = [line.signature for line in load_grammar("therapist")["bare_work"]]
    stands = Counter(line for line in lines for text in texts if line in text)
    assert len(stands) > 5
    assert max(stands.values()) <= 0.2 * len(texts), stands


@pytest.mark.parametrize("style", ["verbose", "pleasing"])
def test_a_turn_has_one_phrase_around_its_answer_at_most(style: str) -> None:
    frames = [line.pieces[-1] for line in (*manner_of(style).before, *manner_of(style).after)]
    told = {"detail": "I read the page again.", "tangent": "My aunt has a boat."}
    answers = (["I sat there until nine and wrote nothing at all."], ["I want to get this right."])
    for seed in range(200):
        for parts in answers:
            said = in_style(list(parts), style, Random(seed), "", told)
            around = [frame for frame in frames if isinstance(frame, str) and frame.strip() in said]
            own = [s for s in sentences(said) if said_in_passing(s) and s in parts]
            assert len(around) + len([s for s in own if s not in around]) <= 1, said
