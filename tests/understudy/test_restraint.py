"""A counsellor who is told to ask less lets reflections stand alone."""

from __future__ import annotations

from understudy.roles.therapist import one_question
from understudy.skill import Skill, asks_less

PROMPT = "Reflect more than you ask, two reflections for a question where you can."


def test_a_turn_keeps_its_last_question_only() -> None:
    said = "That sounds hard. How did it go? And what would you add to that?"
    assert one_question(said) == "That sounds hard. And what would you add to that?"
    assert one_question("Take your time.") == "Take your time."
    task = "Would you write it down once? And what could stop you?"
    assert one_question(task, kept=0) == "Would you write it down once?"


def test_a_novice_asks_less_only_when_the_supervisor_says_so() -> None:
    assert not asks_less(Skill.NOVICE, "", PROMPT)
    assert asks_less(
        Skill.NOVICE, "Leave some turns without a question: reflect, stop, and wait.", ""
    )
    assert asks_less(Skill.EXPERT, "", PROMPT)
    assert not asks_less(Skill.EXPERT, "", "Ask what matters.")
