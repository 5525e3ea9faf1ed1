"""How lines are joined: what a reader who reads sessions aloud stumbles over."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from agents.client import client_messages
from agents.pack import load_pack
from agents.scene import Scene
from domain.turn import Speaker, Turn
from tests.understudy.played import AT_RISK, bo, ines, play, therapist_of
from understudy.clauses import (
    as_clause,
    named_feelings,
    said_in_passing,
    sentences,
    telling_clause,
)
from understudy.models import answer
from understudy.notes import Notes, Talk
from understudy.request import ChatRequest, Message
from understudy.sheets import TherapistSheet
from understudy.skill import Skill
from understudy.style import in_style, manner_of
from understudy.templates import load_grammar, was_said
from understudy.therapistvoice import TherapistVoice
from understudy.therapistwords import TherapistWords

SHEET = TherapistSheet("Ines", "", "double_standard", "", 3, (), "", (), "people you trust")


PRAISE = (
    *("bare_work", "bare_balance", "bare_shift", "bare_ends", "bare_feared", "bare_plan"),
    *("bare_kept", "bare_feedback", "view_now", "likely_now", "to_a_friend"),
)
"""What is said of an answer in the second half of the hour."""


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
    heard = ("I was low.", "I could say that that I have to watch for the signs.")
    assert (
        TherapistWords(SHEET, talk(*heard), Random(0)).view() == "you have to watch for the signs"
    )


def test_no_line_stands_in_every_session() -> None:
    plays = [play(item(), "competent", seed=seed) for item in (ines, bo) for seed in range(40)]
    texts = ["\n".join(therapist_of(turns)).lower() for turns in plays]
    grammar = load_grammar("therapist")
    lines = [line.signature for move in PRAISE for line in grammar[move]]
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


@pytest.mark.parametrize(
    ("said", "seems"),
    [
        ("I lie down in the afternoon and I wait for it to pass.", False),
        ("I always feel that nobody wants me around there.", True),
    ],
)
def test_what_is_plainly_told_is_no_matter_of_how_it_sounds(said: str, *, seems: bool) -> None:
    given = [voice(seed, "I was low.", said).reflection() for seed in range(60)]
    assert any(text.startswith("It sounds as if you") for text in given) is seems, given


def test_no_feeling_stands_where_a_sentence_wants_a_noun() -> None:
    lines = [line for move in ("feeling", "feeling_warm", "feeling_early", "deep")
             for line in load_grammar("therapist")[move]]  # fmt: skip
    filled = [line.fill(Random(0), {"feeling": "angry", "thought": "No"}) for line in lines]
    assert not [text for text in filled if "angry is" in text.lower()]


def test_nothing_has_happened_before_anything_was_told() -> None:
    greeted = ("Hello Ines, how has your week been?",)
    for seed in range(60):
        first = Talk(greeted, ("Mostly tense, if I'm honest.",), Notes(exchange=2, exchanges=10))
        said = TherapistVoice(SHEET, first, Random(seed), Skill.EXPERT, 0).reflection()
        assert not any(
            word in said for word in ("happened", "Of course", "left you", "on your own")
        )


@pytest.mark.parametrize(
    ("said", "felt"),
    [
        ("I could tell them in one calm sentence that I'm annoyed.", ()),
        ("Tired of losing my temper, to tell the truth.", ()),
        ("Low down on the ladder? To stay for a minute.", ()),
        ("I was tired and annoyed.", ("tired", "annoyed")),
    ],
)
def test_what_is_only_thought_of_doing_is_not_felt(said: str, felt: tuple[str, ...]) -> None:
    assert set(named_feelings(said)) == set(felt)


def test_a_day_is_no_new_way_of_seeing_it() -> None:
    heard = ("I was low.", "In the evening, maybe, on the day after tomorrow.")
    assert not TherapistWords(SHEET, talk(*heard), Random(0)).view()


def client_after(asked: str, seed: int) -> str:
    """Return what the client answers when it is asked for a task, late in the hour."""
    turns = (*play(ines(), "expert")[:16], Turn(index=16, speaker=Speaker.THERAPIST, text=asked))
    messages = client_messages(load_pack("cbt"), Scene(ines(), turns, 9, 10, ()))
    spoken = tuple(Message(m["role"], m["content"]) for m in messages)
    return answer(ChatRequest(spoken, "understudy-client", seed))


TASKS = [
    line.fill(Random(0), {"task": task})
    for line in load_grammar("therapist")["homework"]
    for task in (
        "notice once a day when the rule speaks up, and note what it costs you",
        "write down which of the steps you took",
    )
]


@pytest.mark.parametrize("asked", TASKS)
def test_a_task_that_is_named_is_answered_and_no_other_put_in_its_place(asked: str) -> None:
    for seed in range(12):
        answered = client_after(asked, seed).lower()
        assert was_said(load_grammar("client")["homework_agree"], answered), answered


@pytest.mark.parametrize(
    "asked",
    [
        "What would be one small thing to try before we meet again?",
        "Between now and next time, what could you do at home with this?",
    ],
)
def test_a_task_that_is_asked_for_is_the_clients_own_and_is_taken_up(asked: str) -> None:
    answered = client_after(asked, 1)
    plan = TherapistWords(SHEET, talk("I was low.", answered), Random(0)).plan()
    assert plan
    words = TherapistWords(SHEET, talk("I was low.", answered), Random(0))
    for line in load_grammar("therapist")["agreed_own"]:
        assert plan in line.fill(Random(0), words)


def test_the_hour_does_not_end_without_a_word_to_what_was_agreed() -> None:
    grammar = load_grammar("therapist")
    for seed in range(8):
        said = therapist_of(play(ines(), "expert", seed=seed))
        taken_up = (*grammar["agreed"], *grammar["agreed_own"])
        assert was_said(grammar["homework"], said[-2].lower())
        assert was_said(taken_up, said[-1].lower()), said[-1]


def test_a_summary_is_of_what_was_worked_on_and_not_of_the_week_or_the_homework() -> None:
    heard = (
        "I meant to, and then the week got away from me.",
        "I lie there for hours and hate my bed.",
        "Yes, I think so.",
    )
    told = TherapistWords(SHEET, talk(*heard, "Yes."), Random(0)).told_clause()
    assert told == "you lie there for hours and hate your bed"


def test_who_has_said_yes_answers_the_help_and_does_not_say_it_again() -> None:
    grammar = load_grammar("client")
    yes = grammar["risk_yes"][0].fill(Random(0), {})
    offer = (
        "Thank you. If it gets stronger, there is 988. Is there anything within reach that you "
        "might hurt yourself with, and who could keep it for you?"
    )
    item = ines(**AT_RISK)
    start = play(item, "expert")[:11]
    turns = (
        *start,
        Turn(index=11, speaker=Speaker.CLIENT, text=yes),
        Turn(index=12, speaker=Speaker.THERAPIST, text=offer),
    )
    messages = client_messages(load_pack("cbt"), Scene(item, turns, 7, 10, ()))
    spoken = tuple(Message(m["role"], m["content"]) for m in messages)
    for seed in range(8):
        said = answer(ChatRequest(spoken, "understudy-client", seed)).lower()
        assert was_said(grammar["risk_helped"], said), said
