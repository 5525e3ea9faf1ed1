from __future__ import annotations

from measures.disclosure import reveals

BELIEF = "I am unlovable"


def test_an_unspoken_belief_is_given_away() -> None:
    assert reveals("Ask whether she feels unlovable.", [BELIEF], "I am tired.")


def test_a_spoken_belief_is_not() -> None:
    assert not reveals("Ask about unlovable.", [BELIEF], "I think I'm unlovable.")


def test_plain_guidance_gives_nothing_away() -> None:
    assert not reveals("Reflect the feeling before you ask.", [BELIEF], "")


def test_nothing_undisclosed_nothing_revealed() -> None:
    assert not reveals("Ask whether she feels unlovable.", [], "")


def test_forms_of_a_word_count_as_the_word() -> None:
    assert reveals("Explore the fear of failing.", ["If I fail, they despise me"], "They came.")
