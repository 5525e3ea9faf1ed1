from __future__ import annotations

import pytest

from agents.speech import clean_speech, misspoken


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


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("As an AI language model, I cannot.", "being a model"),
        ("I'm just a chatbot.", "being a model"),
        ("I AM AN ARTIFICIAL INTELLIGENCE? As an artificial intelligence I am.", "being a model"),
        ("As a virtual assistant, no.", "being a model"),
        ("It was long. Client: Yes, it was.", "speaks for both"),
        ("It was long.\n**Counsellor:** And then?", "speaks for both"),
        ("Good.<|im_end|>", "chat template"),
    ],
)
def test_what_is_no_turn_is_told(said: str, fault: str) -> None:
    assert fault in misspoken(said)


@pytest.mark.parametrize(
    "said",
    [
        "I am aiming lower: my client said that I may.",
        "There was a chatbot at work, and patience: none.",
        "He said: stay a while.",
    ],
)
def test_words_that_only_look_like_it_are_let_through(said: str) -> None:
    assert misspoken(said) == ""
