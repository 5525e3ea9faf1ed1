from __future__ import annotations

from measures.relevance import relevance, ties

SAID = ("What is it?", "My mother died in March and I can't open her letters.")


def test_taking_up_the_last_turn_stands_above_general_above_strange() -> None:
    rated = [
        relevance("What makes the letters so hard to open?", SAID),
        relevance("Tell me more about that.", SAID),
        relevance("How many cigarettes did the dentist allow?", SAID),
    ]
    assert rated == sorted(rated, reverse=True)
    assert len(set(rated)) == 3


def test_salad_gets_the_lowest() -> None:
    assert relevance("letters the of letters the of letters the of", SAID) == 1.0


def test_a_stranger_costs() -> None:
    assert relevance("And he left the letters?", SAID) < relevance(
        "And you left the letters?", SAID
    )


def test_ties_are_shares() -> None:
    tie = ties("Letters and cigarettes.", SAID)
    assert (tie.last, tie.earlier, tie.strange, tie.words) == (0.5, 0.5, 0.5, 2)
    assert ties("Mm-hmm.", SAID).words == 0
