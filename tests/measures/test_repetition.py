from __future__ import annotations

from domain.turn import Speaker, Turn
from measures.repetition import babble, near_repeats, repetition_share


def turn(index: int, speaker: Speaker, text: str) -> Turn:
    return Turn(index=index, speaker=speaker, text=text)


SAID = "I keep thinking that everybody looks at me in the canteen."


def test_a_speaker_who_says_it_again_is_seen() -> None:
    turns = [
        turn(0, Speaker.CLIENT, SAID),
        turn(1, Speaker.THERAPIST, "What is that like?"),
        turn(2, Speaker.CLIENT, "Well, " + SAID),
    ]
    assert near_repeats(turns) == ((0, 2),)
    assert repetition_share(turns) == 1 / 3


def test_the_other_speaker_may_give_it_back() -> None:
    turns = [turn(0, Speaker.CLIENT, SAID), turn(1, Speaker.THERAPIST, SAID)]
    assert near_repeats(turns) == ()


def test_short_manners_are_no_repeats() -> None:
    turns = [turn(0, Speaker.CLIENT, "I see, thanks."), turn(1, Speaker.CLIENT, "I see, thanks.")]
    assert near_repeats(turns) == ()


def test_babble_is_the_share_of_repeated_pairs() -> None:
    assert babble("go on go on go on") == 0.6
    assert babble("one two three") == 0.0
    assert babble("") == 0.0
