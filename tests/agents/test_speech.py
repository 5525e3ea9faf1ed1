from __future__ import annotations

import pytest

from agents.speech import clean_speech


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("Therapist: How was the week?", "How was the week?"),
        ("**Client:** It was long.", "It was long."),
        ("[Therapist]: Hello.", "Hello."),
        ("Client (quietly): I know.", "I know."),
        ('"It was long."', "It was long."),
        ("“It was long.”", "It was long."),
        ('"Yes." And then he said "no."', '"Yes." And then he said "no."'),
        ("One.\n\nPrivate notes\nTwo.", "One. Private notes Two."),
        ("My therapist: a kind man.", "My therapist: a kind man."),
        ("Therapist:", ""),
        ('"Therapist: Hello."', "Hello."),
        ('Therapist: "Hello."', "Hello."),
        ('""', ""),
    ],
)
def test_only_what_is_around_the_speech_goes(raw: str, said: str) -> None:
    assert clean_speech(raw) == said
