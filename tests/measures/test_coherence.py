from __future__ import annotations

import pytest

from measures.coherence import coherence


@pytest.mark.parametrize(
    "text",
    [
        "It sounds like you have been carrying this for a long time.",
        "What was that like for you?",
        "Mm-hmm.",
    ],
)
def test_speech_is_coherent(text: str) -> None:
    assert coherence(text) == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "xk qlw pz rrt mn vvb sdf",
        "the of the is a to and the of are the to is of",
        "You feel of is the sounds guilt it like to would a carry that and your of is about.",
        "guilty guilty guilty guilty guilty guilty guilty",
    ],
)
def test_salad_is_not(text: str) -> None:
    assert coherence(text) < 0.35


def test_one_slip_is_no_salad() -> None:
    assert coherence("It sounds like you have to to carry this for a long time by yourself.") > 0.6
