from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agents.acceptance import critique_of
from tests.support.cast import a_persona, turns_of
from tests.support.critiques import critique_answer

if TYPE_CHECKING:
    from agents.pack import Pack
    from domain.critique import Critique, CritiqueAnswer
    from domain.turn import Turn

TALK = turns_of(
    "Hello Mara, how was your week?",
    "Long. There was a meeting.",
    "You should just speak up.",
    "I suppose so.",
    "What went through your mind there?",
    "That everyone sees me blush.",
)


def decide(pack: Pack, answer: CritiqueAnswer, turns: tuple[Turn, ...] = TALK) -> Critique:
    return critique_of(answer, pack, a_persona(), turns)


def test_a_good_session_is_accepted(pack: Pack) -> None:
    critique = decide(pack, critique_answer(pack, score=4))
    assert critique.accepted
    assert critique.score == pytest.approx(4 / 6)
    assert critique.reasons == ()
    assert critique.rewind_to is None
    assert critique.behaviours["therapist_turns"] == 3


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"score": 3}, "Score 0.50 is under 0.61."),
        ({"scores": {"homework": 1}}, "Homework: 1 is under 2."),
        ({"scores": {"understanding": 3}}, "Understanding: 3 is under 4."),
        ({"scores": {"understanding": None}}, "Understanding was not scored."),
        ({"failed": {"ending": (5,)}}, 'Gate "ending" failed: As seen.'),
    ],
)
def test_one_threshold_is_enough_to_fail(pack: Pack, answer: dict[str, object], says: str) -> None:
    critique = decide(pack, critique_answer(pack, **answer))  # type: ignore[arg-type] # mixed
    assert not critique.accepted
    assert says in critique.reasons


def test_an_item_that_does_not_apply_is_left_out_of_the_share(pack: Pack) -> None:
    critique = decide(pack, critique_answer(pack, score=4, scores={"homework": None}))
    assert critique.accepted
    assert critique.score == pytest.approx(4 / 6)


def test_one_blocking_flaw_fails_a_session_of_high_scores(pack: Pack) -> None:
    answer = critique_answer(pack, score=6, flaws=[(2, "invalidating", "Say it makes sense.")])
    critique = decide(pack, answer)
    assert not critique.accepted
    assert critique.reasons == (
        "Turn 2: Plays down, blames, or argues with what the client feels.",
    )
    assert critique.rewind_to == 2


def test_a_flaw_that_does_not_block_is_weighed_by_the_scores(pack: Pack) -> None:
    answer = critique_answer(pack, score=6, flaws=[(2, "no_reflection", "Reflect.")])
    assert decide(pack, answer).accepted


LECTURE = (
    "Let me explain how this works. A thought sets off a feeling, the feeling an action, and the"
    " action seems to prove the thought, as number {} in the book has it."
)
LECTURES = turns_of(*(text for n in range(8) for text in (LECTURE.format(n), "Okay.")))


def test_what_is_measured_overrules_the_highest_scores(pack: Pack) -> None:
    critique = decide(pack, critique_answer(pack, score=6), LECTURES)
    assert not critique.accepted
    assert critique.reasons[0] == (
        "The therapist's share of the words: 0.97, measured, is over 0.81."
    )
    assert "Let the client talk: keep each turn short, at most four sentences." in critique.guidance
    assert critique.rewind_to == 0


def test_a_few_turns_are_not_held_to_what_is_measured(pack: Pack) -> None:
    assert decide(pack, critique_answer(pack, score=6), LECTURES[:8]).accepted


STEPS = (
    "It sounds as if the meeting on Monday stayed with you. What happened first?",
    "They all looked at me, and I went red to the ears.",
    "You went red, and everybody saw it. What went through your mind in that moment?",
    "That I should have prepared for longer than I did.",
    "You tell yourself that more work would have helped. What did you do afterwards?",
    "I went to the kitchen and waited there until it was empty.",
    "So you kept away from them. What was it like to stand there?",
    "Quiet, at first, and then lonely, if I am honest.",
    "Lonely, behind the door. Who would you have liked to find there?",
    "My old desk neighbour, she left in the spring for Leeds.",
    "You miss somebody on your side. What would she have said to you?",
    "She would have laughed and asked whether I wanted tea.",
    "Tea, and no verdict at all. How far do you believe the thought now?",
    "About half, perhaps, when I hear her voice with it.",
    "It is half of what it was. What do you take with you from today?",
    "That not everybody in a room is a judge of me.",
)


def test_a_session_that_goes_round_in_a_loop_is_left_where_it_began(pack: Pack) -> None:
    looped = list(STEPS)
    looped[6], looped[8], looped[9] = looped[4], looped[4], looped[5]
    critique = decide(pack, critique_answer(pack, score=6), turns_of(*looped))
    assert critique.reasons == (
        "Share of turns that a speaker nearly said before: 0.19, measured, is over 0.07.",
    )
    assert critique.rewind_to == 6
    assert any(told.startswith("Say nothing twice") for told in critique.guidance)


def test_a_limit_on_the_whole_session_sends_its_second_half_back(pack: Pack) -> None:
    """Nothing is given back in any turn: none is to blame, and half a session makes the share."""
    bare = [text[text.index(".") + 2 :] if "?" in text else text for text in STEPS]
    answer = critique_answer(pack, score=6)
    items = tuple(item.model_copy(update={"turns": ()}) for item in answer.items)
    critique = decide(pack, answer.model_copy(update={"items": items}), turns_of(*bare))
    assert critique.reasons
    assert all(", measured, is under " in reason for reason in critique.reasons)
    assert critique.rewind_to == len(STEPS) // 2


def test_a_turn_said_twice_once_is_let_pass_as_in_real_sessions(pack: Pack) -> None:
    once = [*STEPS[:6], STEPS[4], *STEPS[7:]]
    assert decide(pack, critique_answer(pack, score=6), turns_of(*once)).accepted


def test_a_rewind_goes_to_the_earliest_flawed_turn(pack: Pack) -> None:
    flaws = [(4, "no_reflection", "Reflect."), (2, "advice_too_early", "Ask first.")]
    critique = decide(pack, critique_answer(pack, score=3, flaws=flaws))
    assert critique.rewind_to == 2
    assert critique.guidance == ("Ask first.", "Reflect.")


@pytest.mark.parametrize(
    ("failed", "flawed", "rewind_to"),
    [((3,), [], 2), ((3,), [4], 4), ((1,), [4], 0), ((), [], 0)],
    ids=["before", "beside", "earlier", "nothing-named"],
)
def test_a_failed_gate_leads_to_the_turn_before_it(
    pack: Pack, failed: tuple[int, ...], flawed: list[int], rewind_to: int
) -> None:
    flaws = [(turn, "no_reflection", "Reflect.") for turn in flawed]
    answer = critique_answer(pack, flaws=flaws, failed={"persona_consistency": failed})
    assert decide(pack, answer).rewind_to == rewind_to


def test_guidance_does_not_give_away_what_was_not_said(pack: Pack) -> None:
    flaws = [
        (2, "advice_too_early", "Bring out that she thinks she is ridiculous."),
        (4, "no_reflection", "Reflect the shame of blushing."),
    ]
    critique = decide(pack, critique_answer(pack, score=3, flaws=flaws))
    assert "ridiculous" not in " ".join(critique.guidance)
    assert critique.guidance[0].startswith("Avoid this: Gives advice")
    assert critique.guidance[1] == "Reflect the shame of blushing."


def test_guidance_may_name_what_the_client_has_said(pack: Pack) -> None:
    told = (*TALK[:5], TALK[5].model_copy(update={"text": "That I am ridiculous."}))
    flaws = [(2, "advice_too_early", "Come back to her word ridiculous.")]
    critique = decide(pack, critique_answer(pack, score=3, flaws=flaws), told)
    assert critique.guidance == ("Come back to her word ridiculous.",)


@pytest.mark.parametrize(
    ("turn", "text", "rewind_to"),
    [
        (2, "…", 2),
        (3, "blah blah blah blah blah blah blah blah blah blah blah blah blah blah", 2),
        (4, "Supervisor's guidance: reflect. What went through your mind?", 4),
        (5, "Open to telling: the situation.", 4),
    ],
)
def test_a_broken_turn_or_a_leak_fails_whatever_the_model_says(
    pack: Pack, turn: int, text: str, rewind_to: int
) -> None:
    turns = [*TALK]
    turns[turn] = turns[turn].model_copy(update={"text": text})
    critique = decide(pack, critique_answer(pack), tuple(turns))
    assert not critique.accepted
    assert critique.rewind_to == rewind_to


def test_a_row_of_goodbyes_fails_whatever_the_model_says(pack: Pack) -> None:
    bye = ("Goodbye, Mara.", "Goodbye.", "Take care, bye.", "Bye bye.")
    turns = turns_of(*(turn.text for turn in TALK), *bye)
    critique = decide(pack, critique_answer(pack), turns)
    assert not critique.accepted
    assert "goodbyes" in critique.reasons[0]


def test_the_labels_of_the_notes_come_from_the_pack(pack: Pack) -> None:
    labels = pack.note_labels
    assert {"private notes", "supervisor's guidance:", "open to telling:"} <= set(labels)
    assert "exchange:" not in labels
