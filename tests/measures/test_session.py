from __future__ import annotations

from domain.turn import Speaker, Turn
from measures.detectors import detections
from measures.farewell import goodbye_loop_start
from measures.heard import heard
from measures.persona import Facts
from measures.roles import is_broken
from measures.session import closed_runs, read_ahead, session_behaviours, therapist_turns


def talk(*said: str) -> list[Turn]:
    """Return turns in which the therapist begins."""
    speakers = (Speaker.THERAPIST, Speaker.CLIENT)
    return [Turn(index=i, speaker=speakers[i % 2], text=text) for i, text in enumerate(said)]


TURNS = talk(
    "How was the week?",
    "I felt so alone.",
    "You felt alone. What was that like?",
    "Empty.",
    "You should go out.",
    "Maybe. Sometimes I don't want to live.",
    "Did you eat?",
    "Yes.",
)


def test_behaviours_are_counted() -> None:
    found = session_behaviours(TURNS)
    assert found["therapist_turns"] == 4
    assert found["questions"] == 3
    assert found["open_question_share"] == 2 / 3
    assert found["reflection_share"] == 1 / 4
    assert found["advice_share"] == 1 / 4
    assert found["reflections_per_question"] == 1 / 3


def test_talk_share_is_in_words() -> None:
    found = session_behaviours(talk("one two three", "four"))
    assert found["therapist_talk_share"] == 3 / 4
    assert found["words_per_client_turn"] == 1


def test_no_turns_are_all_zero() -> None:
    assert set(session_behaviours([]).values()) == {0.0}


def test_closed_runs_are_broken_by_anything_else() -> None:
    turns = talk("Did you eat?", "No.", "Did you sleep?", "No.", "Go on.", "No.", "Are you sad?")
    assert closed_runs(therapist_turns(turns)) == ((0, 2), (6,))


def test_what_was_read_ahead_is_not_heard_again() -> None:
    said = talk(*(f"{turn.text} This is turn {turn.index} of the read one." for turn in TURNS))
    for end in range(2, len(said) + 1, 2):
        goodbye_loop_start(said[:end])
        read_ahead(said[:end], new=2)
    heard.cache_clear()
    found = session_behaviours(said)
    assert goodbye_loop_start(said) is None
    assert not any(is_broken(turn.text) for turn in said)
    detections(said, Facts(age=40))
    assert heard.cache_info().misses == 0
    assert (found["therapist_turns"], found["questions"]) == (4, 3)


def test_reading_ahead_may_begin_anywhere() -> None:
    for place, some in enumerate((slice(0), slice(1), slice(1, 2))):
        # Words of this case alone: every cache is cold for them, whatever other tests have read.
        said = talk(*(f"{turn.text} We begin at place {place}." for turn in TURNS))
        heard.cache_clear()
        read_ahead(said[some], new=2)
        # What was there of the turns is heard, once each, and changes nothing that is found later.
        assert heard.cache_info().misses == len(said[some])
        found = session_behaviours(said)
        assert (found["therapist_turns"], found["questions"]) == (4, 3)
