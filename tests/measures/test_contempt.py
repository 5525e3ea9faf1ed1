from __future__ import annotations

import pytest

from measures.contempt import belittling
from measures.empathy import empathy


@pytest.mark.parametrize(
    "cold",
    [
        "You are being so childish about this.",
        "Stop whining and get on with it.",
        "Honestly, you only want the attention.",
        "Frankly, I expected better of you.",
        "Any fool could have seen that coming.",
        "It's not that bad, everyone loses somebody.",
    ],
)
def test_what_looks_down_on_a_person_is_seen(cold: str) -> None:
    assert belittling(cold) == (cold,)
    assert empathy(cold, ["I feel so low since she left."]) == 1


@pytest.mark.parametrize(
    "warm",
    [
        "You tell yourself that you are weak.",
        'You said "stop whining" to yourself.',
        "You deserve a rest after such a week.",
        "He is lucky to have someone like you.",
        "How do you deal with it when he shouts?",
        "You want your son to grow up without fear.",
    ],
)
def test_what_tells_back_or_wishes_well_is_not(warm: str) -> None:
    assert belittling(warm) == ()
