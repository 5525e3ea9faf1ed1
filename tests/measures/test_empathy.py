from __future__ import annotations

from measures.empathy import empathy

SAID = ("What is it?", "My mother died in March and I feel so guilty that I wasn't there.")


def test_hearing_stands_above_asking_above_advising_above_dismissing() -> None:
    replies = (
        "It sounds like you carry a lot of guilt about not being there. What is that like?",
        "Tell me more about that.",
        "You should keep yourself busy and get more sleep.",
    )
    rated = [empathy(reply, SAID) for reply in replies]
    assert rated == sorted(rated, reverse=True)
    assert empathy("It's not that bad, people die.", SAID) == 1.0


def test_salad_and_parroting_get_the_lowest() -> None:
    assert empathy("guilt the of guilt the of and guilt the of", SAID) == 1.0
    assert empathy(SAID[1], SAID) == 1.0
    assert empathy("", SAID) == 1.0


def test_length_is_no_merit() -> None:
    short = "You feel guilty that you weren't there."
    long = short + " The weather has turned, and the trams are late again."
    assert empathy(long, SAID) <= empathy(short, SAID)


def test_cues_in_salad_gain_nothing() -> None:
    salad = "It sounds like the is you feel guilty, that of and must be the to so hard for of is."
    assert empathy(salad, SAID) == 1.0
