from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domain.critique import Detector
from measures.detectors import detections
from measures.persona import Facts
from tests.support.cast import turns_of

if TYPE_CHECKING:
    from domain.turn import Turn

FACTS = Facts("Mara", 34, "lives with her sister", "school secretary")
LONG = (
    "Some background may be useful here. A century ago doctors in Vienna asked people to lie down "
    "and say whatever came up, and a whole school grew out of that. Then came others who counted "
    "what rats and pigeons did for a grain of corn, and they had little patience with couches. In "
    "the sixties a few of them began to ask their patients what passed through the mind just "
    "before a bad hour, and wrote it down in columns. Out of those columns grew manuals and exams, "
    "and in the end the kind of talk that people have in rooms like ours all over the country."
)
FLAWED = {
    Detector.ROLE_DRIFT: ("Hello.", "As an AI I have no week to speak of."),
    Detector.PERSONA_CONTRADICTION: ("Hello.", "Well, I'm 71 years old."),
    Detector.SYCOPHANCY: (
        "You should go for a walk.",
        "You're absolutely right. What a great idea!",
        "And eat well.",
        "That makes so much sense. I will.",
    ),
    Detector.REPETITION: (
        "What went through your mind when she asked you that?",
        "They all look at me.",
        "And what went through your mind when she asked you that?",
        "That I blush.",
    ),
    Detector.MONOLOGUE: (LONG, "I see."),
    Detector.GOODBYE_LOOP: ("Goodbye then.", "Goodbye.", "Take care, bye.", "Bye bye.", "Bye."),
    Detector.LEAKED_INSTRUCTIONS: ("My private notes say that I should ask you.", "Ask what?"),
}
"""A talk for each detector, the therapist first."""


def found(turns: tuple[Turn, ...]) -> set[Detector]:
    return {one.detector for one in detections(turns, FACTS, ("supervisor's guidance:",))}


def test_every_detector_has_its_talk() -> None:
    assert set(FLAWED) == set(Detector)


@pytest.mark.parametrize("detector", list(Detector))
def test_each_finds_its_own_and_nothing_else(detector: Detector) -> None:
    assert found(turns_of(*FLAWED[detector])) == {detector}


def test_what_is_found_names_turns_and_words() -> None:
    (one,) = detections(turns_of("Hello.", "Well, I'm 71 years old."), FACTS)
    assert (one.turns, one.shown) == ((1,), "age: 71")


@pytest.mark.parametrize(
    "said",
    [
        ("You should go for a walk.", "You're right. But I can't get up."),
        ("You should go.", "That makes so much sense.", "And?", "I don't know. I'm afraid of it."),
        ("So it hurt.", "Exactly. It hurt because she never asked."),
    ],
)
def test_agreement_with_a_doubt_or_a_reason_is_no_sycophancy(said: tuple[str, ...]) -> None:
    assert not found(turns_of(*said))


def test_labels_of_the_notes_are_leaks() -> None:
    said = turns_of("Supervisor's guidance: reflect. That sounds hard.", "It is.")
    assert found(said) == {Detector.LEAKED_INSTRUCTIONS}


def test_a_mark_within_a_clients_words_is_no_leak_of_theirs() -> None:
    assert not found(turns_of("And then?", "The screen said <|im_end|> and went dark."))
    assert found(turns_of("Then <|im_end|> you said.", "What?")) == {Detector.LEAKED_INSTRUCTIONS}
