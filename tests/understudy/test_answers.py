"""What is said of an answer is true of it: no praise without its reason."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
import yaml

from agents.client import client_messages
from agents.pack import load_pack
from agents.scene import Scene
from domain.persona import Style
from domain.turn import Speaker, Turn
from tests.understudy.played import bo, client_of, ines, play, therapist_of
from understudy.answers import kind_of_answer, put_anew, ratings
from understudy.clauses import named_feelings, telling_clause
from understudy.models import answer
from understudy.notes import Notes, Talk
from understudy.request import ChatRequest, Message
from understudy.sheets import TherapistSheet
from understudy.skill import Skill
from understudy.templates import load_grammar, read_data, was_said
from understudy.therapistvoice import TherapistVoice
from understudy.therapistwords import TherapistWords

if TYPE_CHECKING:
    from pathlib import Path

SHEET = TherapistSheet("Ines", "", "double_standard", "", 3, (), "", (), "people you trust")
ASKED = "What do you make of that?"
THERAPIST = load_grammar("therapist")


def talk(heard: str, asked: str = ASKED, *before: tuple[str, str]) -> Talk:
    own = ("Hello Ines.", *(question for question, _ in before), asked)
    others = ("I was low.", *(told for _, told in before), heard)
    return Talk(own, others, Notes(exchange=7, exchanges=10))


def given(heard: str, asked: str = ASKED) -> set[str]:
    """Return what is given back after an answer, over many draws."""
    return {
        TherapistVoice(SHEET, talk(heard, asked), Random(seed), Skill.EXPERT, 0).reflection()
        for seed in range(60)
    }


@pytest.mark.parametrize(
    "heard",
    ["I guess.", "No.", "Sometimes.", "Yes, most days.", "I'm not sure.", "Not really, no."],
)
def test_a_word_or_two_is_not_praised(heard: str) -> None:
    praise = [
        line for move in ("bare_work", "bare_balance", "bare_shift") for line in THERAPIST[move]
    ]
    assert not [said for said in given(heard) if was_said(praise, said.lower())]


@pytest.mark.parametrize(
    "heard",
    [
        "Nothing clever. I hold on to the trolley.",
        "They'll give me a funny look and turn away. That's what I expect.",
        "Just to have a day when it isn't the first thing I think of.",
        "After dinner, for a quarter of an hour, with a timer. But it's probably my own fault.",
    ],
)
def test_no_both_sides_where_no_balance_was_spoken(heard: str) -> None:
    assert not [said for said in given(heard) if was_said(THERAPIST["bare_balance"], said.lower())]


@pytest.mark.parametrize(
    ("heard", "kind"),
    [
        ("Most of it I can't change tonight, but there's one call that is left.", "bare_balance"),
        ("After dinner, for a quarter of an hour, with a timer.", "bare_plan"),
        ("Well, they'll give me a funny look. That's what I expect.", "bare_feared"),
        ("It's still there, but I can look at it.", "bare_shift"),
        ("What stays with me is that a pause is only a pause.", "bare_kept"),
        ("It was good to say it out loud. It was a bit hard at the start.", "bare_feedback"),
        ("It goes round and round and ends where it began.", "bare_work"),
    ],
)
def test_an_answer_is_known_by_what_it_says(heard: str, kind: str) -> None:
    assert kind_of_answer(talk(heard)) == kind


def test_an_answer_is_known_by_what_it_was_asked_by() -> None:
    review = "Last time we agreed on one page a day. How did it go?"
    takeaway = "What stands out for you, and was there anything that bothered you?"
    assert kind_of_answer(talk("I managed about half of it.", review)) == "bare_review"
    assert kind_of_answer(talk("Saying it out loud, I think.", takeaway)) == "bare_feedback"
    assert kind_of_answer(talk("That a pause is a pause, maybe.", takeaway)) == "bare_kept"


def test_a_rating_is_said_to_have_fallen_only_where_it_has() -> None:
    asked = "How strongly do you believe it, from 0 to 100?"
    before = (asked, "I'd say 80.")
    assert ratings(talk("About 60.", asked, before)) == ("80", "60")
    assert ratings(talk("About 90.", asked, before)) == ("90",)
    assert ratings(talk("About 60.", asked)) == ("60",)
    assert not ratings(talk("It took 60 minutes.", asked))
    assert not ratings(talk("About 60.", "What did you do then?", before))


@pytest.mark.parametrize(
    ("heard", "anew"),
    [
        ("Put like that, it is what keeps me awake.", "it is what keeps you awake"),
        ("Maybe a pause is only a pause.", "a pause is only a pause"),
        ("I'd say, look, you've handled every single thing.", "You've handled every single thing"),
        ("Maybe 60 now, when I look at it.", ""),
        ("In the evening, maybe, on the day after tomorrow.", ""),
        ("Maybe I could stand in the middle of the queue.", ""),
    ],
)  # fmt: skip
def test_what_is_said_anew_is_given_back(heard: str, anew: str) -> None:
    assert put_anew(heard)[1] == anew
    if anew:
        assert all(anew in said for said in given(heard))


@pytest.mark.parametrize(
    ("heard", "clause"),
    [
        (
            "I grew up with it, more or less. If somebody finds a fault, the whole is spoiled.",
            "if somebody finds a fault, the whole is spoiled",
        ),
        (
            "The last time was the other day. On Sunday I went through the account on my phone.",
            "on Sunday you went through the account on your phone",
        ),
        (
            "On Friday I saw that the mark on my back looked darker in the light, took eight "
            "photographs, and was late for everything. I've got a drawer just for thermometers.",
            "on Friday you saw that the mark on your back looked darker in the light",
        ),
        ("At best, it goes away by itself and I forget about it.", ""),
    ],
)
def test_the_clause_that_tells_is_given_back_and_not_its_frame(heard: str, clause: str) -> None:
    assert telling_clause(heard) == clause


def test_what_would_be_felt_is_not_felt() -> None:
    assert named_feelings("I'd be terrified, and then I'd do the next thing.") == ()


def test_a_summary_tells_what_happened_and_not_how_the_homework_went() -> None:
    asked = (
        "Hello Ines, good to see you. How has your week been?",
        "Last time we agreed on a page a day. How did it go?",
        "Which moment of the week shows it best? Tell me what happened.",
        "And how did that feel?",
    )
    heard = (
        "I was low again and could not stop crying.",
        "I never find the time for it, I hate that.",
        "I let the phone ring all evening.",
        "I always feel that nobody wants me around there.",
    )
    later = (("And what did you do then?", "I watched the lights go out."),) * 2

    def told(count: int) -> str:
        own = (*asked[:count], *(question for question, _ in later))
        others = (*heard[:count], *(answered for _, answered in later))
        words = TherapistWords(SHEET, Talk(own, others, Notes(8, 10)), Random(0))
        return words.told_clause()

    assert told(2) == ""
    assert told(4) == "you let the phone ring all evening"


def test_who_is_told_to_reflect_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("understudy.therapistvoice.SLIPS", {"novice": 1.0})
    question, heard = "What did you do then?", "I let the phone ring all evening."
    told = Talk(("Hello.",), (heard,), Notes(4, 10, guidance="Begin with a reflection."))
    bare = Talk(("Hello.",), (heard,), Notes(4, 10))
    assert TherapistVoice(SHEET, told, Random(0), Skill.NOVICE, 0).reflected(question) != question
    assert TherapistVoice(SHEET, bare, Random(0), Skill.NOVICE, 0).reflected(question) == question


def test_a_client_takes_along_only_what_it_has_found() -> None:
    for item in (ines(), bo()):
        for seed in range(12):
            said = "\n".join(client_of(play(item, "novice", seed=seed)))
            for mark in ("What stays with me is that ", "take with me that "):
                kept = said.partition(mark)[2].partition(".")[0]
                assert not kept or said.lower().count(kept.lower()) > 1, kept


def test_nothing_leads_up_to_a_yes() -> None:
    styles = read_data("styles")
    openers = [line.strip() for entry in styles.values() if isinstance(entry, dict)
               for line in entry["before"].splitlines() if len(line) > 6]  # fmt: skip
    for style in (Style.VERBOSE, Style.TANGENTIAL, Style.PLEASING):
        for seed in range(12):
            turns = play(bo(style=style), "expert", seed=seed)
            for asked, said in zip(therapist_of(turns), client_of(turns), strict=True):
                if was_said(THERAPIST["homework"], asked.lower()):
                    assert not said.startswith(tuple(openers)), said


def test_last_times_homework_suits_every_technique(repository: Path) -> None:
    text = (repository / "packs/cbt/casting/scenarios.yaml").read_text(encoding="utf-8")
    homework = yaml.safe_load(text)["homework"].values()
    drawn = " ".join(line for lines in homework for line in lines)
    for word in ("ladder", "worry time", "pie", "card", "experiment", "activity", "line from"):
        assert word not in drawn


def test_a_friend_is_answered_as_a_friend() -> None:
    asked = 'Suppose a good friend told you, "I am being watched". What would you say to them?'
    turns = (*play(ines(), "expert")[:12], Turn(index=12, speaker=Speaker.THERAPIST, text=asked))
    messages = client_messages(load_pack("cbt"), Scene(ines(), turns, 7, 10, ()))
    spoken = tuple(Message(m["role"], m["content"]) for m in messages)
    for seed in range(8):
        said = answer(ChatRequest(spoken, "understudy-client", seed)).lower()
        assert was_said(load_grammar("client")["friend"], said), said
