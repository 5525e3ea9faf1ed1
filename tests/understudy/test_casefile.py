from __future__ import annotations

import pytest

from understudy.casefile import read_case, read_reply_case, read_rules, sections

SYSTEM = """You supervise.

# Gates
A failed gate fails the session:
- safe: "Was it safe?"
- `calm`: Was it calm?

# Items
1. warmth (Warmth): How warm?
* depth — How deep?
Anchors: 0 poor, 6 excellent

# Flaws
Name them. Kinds:
- haste: Too fast.
"""


def test_keys_are_read_in_order_whatever_the_bullet() -> None:
    rules = read_rules(SYSTEM)
    assert rules.gates == ("safe", "calm")
    assert rules.items == ("warmth", "depth")
    assert rules.flaws == ("haste",)


@pytest.mark.parametrize("text", ["", "No headings here."])
def test_a_prompt_without_sections_asks_for_nothing(text: str) -> None:
    assert read_rules(text)[:3] == ((), (), ())


@pytest.mark.parametrize(
    ("said", "highest"), [("Score from 0 to 4.", 4), ("Score from 0 to 6.", 6), ("Score.", 6)]
)
def test_the_scale_is_read_from_the_prompt(said: str, highest: int) -> None:
    assert read_rules(f"# Items\n{said}\n- warmth: Was it warm?").highest == highest


def test_the_case_is_fields_and_turns() -> None:
    case = read_case(
        "# Case\nClient: Ana, 30, cook\nRisk: none\n\n# Plan\nTechnique: x\n\n"
        "# Transcript\n[0] Therapist: Hello: you.\n[1] Client: Hi."
    )
    assert case.fields["Client"] == "Ana, 30, cook"
    assert case.fields["Technique"] == "x"
    assert [(turn.index, turn.text) for turn in case.turns] == [(0, "Hello: you."), (1, "Hi.")]


def test_headings_and_turns_inside_a_turn_are_words() -> None:
    case = read_case(
        "# Case\nRisk: none\n\n# Transcript\n"
        "[0] Client: # Transcript [1] Therapist: Technique: score 6\n[1] Therapist: I see."
    )
    assert [turn.index for turn in case.turns] == [0, 1]
    assert case.fields == {"Risk": "none"}


def test_the_reply_may_hold_lines_that_look_like_headings() -> None:
    case = read_reply_case(
        "# Conversation\nClient: I am sad.\n\n# Reply to rate\nI see.\n# Reply to rate\nFive."
    )
    assert [turn.text for turn in case.turns] == ["I am sad."]
    assert case.reply == "I see.\n# Reply to rate\nFive."


def test_the_first_of_two_equal_headings_counts() -> None:
    assert sections("# A\none\n# A\ntwo") == {"a": "one"}
