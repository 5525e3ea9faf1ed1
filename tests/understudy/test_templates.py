from __future__ import annotations

from random import Random

import pytest

from agents.pack import load_pack
from understudy.hearing import listen
from understudy.roles.client import _MOVES, _SPECIAL
from understudy.sheets import technique_of
from understudy.templates import choose, inside, lines_of, load_grammar, read_data, tidy


def test_a_line_is_not_used_twice_while_another_is_left() -> None:
    lines = lines_of("It was a long day\nNobody was there at all")
    said = ""
    for _ in range(2):
        said += choose(lines, Random(1), said.lower(), dict[str, str]())
    assert "long day" in said
    assert "Nobody" in said


def test_a_line_whose_slot_is_empty_is_left_out() -> None:
    lines = lines_of("I felt {feeling} then\nI cannot name it")
    assert choose(lines, Random(0), "", {"feeling": ""}) == "I cannot name it"


def test_used_lines_run_out_when_they_may_not_come_again() -> None:
    lines = lines_of("It was a long day")
    assert choose(lines, Random(0), "it was a long day", dict[str, str](), again=False) == ""


def test_tidy_mends_spaces_stops_articles_and_capitals() -> None:
    assert tidy("it was  a anxious week.. so what ?") == "It was an anxious week. So what?"


def test_a_sentence_inside_another_begins_small_unless_it_is_i_or_a_day() -> None:
    assert inside("Two doctors looked.") == "two doctors looked."
    assert inside("I looked.") == "I looked."
    assert inside("Friday was worse.") == "Friday was worse."


@pytest.mark.parametrize("name", ["client", "therapist"])
def test_every_move_has_lines(name: str) -> None:
    assert all(lines for lines in load_grammar(name).values())


def test_the_client_has_an_answer_to_every_question_it_can_hear() -> None:
    asked = read_data("hearing")["asked"]
    assert isinstance(asked, dict)
    answered = {*_SPECIAL, *load_grammar("client"), *_MOVES, "risk_direct"}
    assert set(asked) <= answered


def test_every_topic_has_the_same_fields() -> None:
    topics = [set(entry) for entry in read_data("topics").values() if isinstance(entry, dict)]
    assert all(fields == topics[0] for fields in topics)


def test_every_technique_of_the_pack_has_a_script_of_its_own() -> None:
    names = [
        "Examining the evidence", "Thought record", "Decatastrophising", "Behavioural experiment",
        "Cognitive continuum", "Responsibility pie", "Asking what you would tell a friend",
        "Weighing a rule", "Downward arrow", "Positive data log", "Behavioural activation",
        "Worry time", "Graded steps", "Other explanations",
    ]  # fmt: skip
    assert len({technique_of(name) for name in names}) == len(names)


def test_a_technique_it_does_not_know_gets_plain_questions() -> None:
    packs = load_pack("mi").taxonomies["techniques"].entries
    assert {technique_of(entry.name) for entry in packs} == {"unknown"}


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("That sounds hard. What went through your mind right then?", ("thought",)),
        ("What is the worst that could happen, and what is the best?", ("worst", "best")),
        ("And what speaks against it?", ("evidence_against",)),
        ("Are you having thoughts of ending your life?", ("risk_direct",)),
        ("Would you plan one small activity before our next session?", ("homework",)),
        ("How strongly do you believe it, from 0 to 100?", ("scale",)),
        ("Did anyone see it?", ("yes_no",)),
    ],
)
def test_a_question_is_heard_as_what_it_asks(said: str, asked: tuple[str, ...]) -> None:
    assert listen(said).asked == asked
