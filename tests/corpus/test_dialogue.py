from __future__ import annotations

import pytest

from corpus.dialogue import is_backchannel, turns_of
from corpus.formats.raw import Utterance
from corpus.speakers import assign_roles, name_in
from domain.errors import TranscriptError
from domain.turn import Speaker


def said(*lines: tuple[str, str]) -> list[Utterance]:
    return [Utterance(speaker, text) for speaker, text in lines]


def merged(*lines: tuple[str, str]) -> list[tuple[str, str]]:
    names = {"t": "Therapist", "c": "Client"}
    utterances = said(*((names[who], text) for who, text in lines))
    turns = turns_of(utterances, assign_roles(utterances, "a"))
    assert [turn.index for turn in turns] == list(range(len(turns)))
    return [(turn.speaker.value[0], turn.text) for turn in turns]


def test_an_interrupted_sentence_is_joined_and_the_interruption_follows() -> None:
    assert merged(
        ("t", "How was it?"),
        ("c", "It was hard because-"),
        ("t", "Mm-hmm."),
        ("c", "-she was there, and-"),
        ("t", "Mm-hmm."),
        ("c", "-I was not."),
        ("t", "You were not."),
    ) == [
        ("t", "How was it?"),
        ("c", "It was hard because she was there, and I was not."),
        ("t", "Mm-hmm. You were not."),
    ]


def test_both_sides_may_be_interrupted_at_once() -> None:
    assert merged(
        ("t", "Okay. There's-"), ("c", "And, uh—"), ("t", "-the big trouble."), ("c", "Yes.")
    ) == [("t", "Okay. There's the big trouble."), ("c", "And, uh— Yes.")]


def test_trailing_off_is_not_joined_over_an_answer() -> None:
    lines = (("c", "I think—"), ("t", "What would happen?"), ("c", "Probably nothing."))
    assert merged(*lines) == list(lines)


def test_an_open_end_goes_on_after_a_listening_sound() -> None:
    assert merged(("c", "So I was-"), ("t", "Yeah."), ("c", "walking."), ("t", "Where?")) == [
        ("c", "So I was walking."),
        ("t", "Yeah. Where?"),
    ]


def test_one_speakers_lines_are_merged_and_silence_is_dropped() -> None:
    assert merged(("c", "No."), ("c", "Never."), ("t", "..."), ("c", "Ever."), ("t", "No?")) == [
        ("c", "No. Never. Ever."),
        ("t", "No?"),
    ]


@pytest.mark.parametrize("text", ["Mm-hmm.", "Yeah, yeah.", "Oh, okay. Right."])
def test_listening_sounds(text: str) -> None:
    assert is_backchannel(text)


def test_words_are_no_listening_sound() -> None:
    assert not is_backchannel("Yeah, it was.")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Therapist", "Client"),
        ("Counsellor 1", "PATIENT"),
        ("Dr. Osei", "Maria Lopez"),
        ("assistant", "user"),
        ("supporter", "seeker"),
        ("Ann Roe (clinician)", "Bo Lee (client)"),
    ],
)
def test_roles_by_label(first: str, second: str) -> None:
    roles = assign_roles(said((first, "Hm."), (second, "Hm?")), "a")
    assert roles.by_label == {first: Speaker.THERAPIST, second: Speaker.CLIENT}


def test_what_was_assumed_is_said() -> None:
    assert "taken for the client" in assign_roles(said(("Dr. A", "Hm."), ("B", "Hm")), "a").assumed


def test_who_asks_more_is_the_therapist_and_that_is_said() -> None:
    lines = [("Ann", "I see."), *(("Bo", f"And {i}?") for i in range(5)), ("Ann", "What?")]
    roles = assign_roles(said(*lines), "a")
    assert roles.by_label == {"Bo": Speaker.THERAPIST, "Ann": Speaker.CLIENT}
    assert "5 questions" in roles.assumed


@pytest.mark.parametrize(
    "labels", [("Ann", "Bo"), ("Ann", "Ann"), ("Ann", "Bo", "Cy"), ("Therapist", "Counselor")]
)
def test_unclear_roles_are_refused_with_a_mend(labels: tuple[str, ...]) -> None:
    with pytest.raises(TranscriptError, match="not clear who is the therapist") as caught:
        assign_roles(said(*((label, "Hm?") for label in labels)), "a.vtt")
    assert "Therapist: and Client:" in caught.value.mend


def test_a_narrator_is_nobody() -> None:
    roles = assign_roles(said(("Narrator", "Scene."), ("T", "Hi."), ("C", "Hi.")), "a")
    assert set(roles.by_label) == {"T", "C"}


@pytest.mark.parametrize(
    ("label", "name"),
    [("Dr. Maria Lopez (Therapist)", "Maria Lopez"), ("CLIENT 1", ""), ("Nurse Ann", "Ann")],
)
def test_the_name_in_a_label(label: str, name: str) -> None:
    assert name_in(label) == name
