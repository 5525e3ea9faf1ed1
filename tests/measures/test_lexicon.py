from __future__ import annotations

import pytest

from measures.heard import count, has, hits
from measures.lexicon import lists, word_set


def test_every_list_can_be_read_and_has_phrases() -> None:
    assert all(lists().values())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("You could always TRY a walk.", "advice.advice"),  # optional word, capitals
        ("I'd rather not. It feels hopeless.", "feelings.named"),
        ("I don\u2019t want to live.", "risk.stated"),  # a curly apostrophe
        ("Was there anything today that felt off?", "structure.feedback"),  # up to three between
        ("I-I think about dying.", "risk.stated"),  # a transcriber's stutter
    ],
)
def test_phrase_is_found(text: str, name: str) -> None:
    assert has(text, name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("I want to. Die was cast.", "risk.stated"),  # over the end of a sentence
        ("The killjoys took my lifeboat.", "risk.stated"),  # inside longer words
        ("", "advice.advice"),
    ],
)
def test_phrase_is_not_found(text: str, name: str) -> None:
    assert not has(text, name)


def test_a_hit_says_where_it_stands() -> None:
    hit = hits("Well. You should rest.")["advice.advice"][0]
    assert (hit.sentence, hit.text) == (1, "you should")


def test_two_phrases_at_one_place_count_once() -> None:
    assert count("You should try.", "advice.advice") == 1


def test_word_sets_are_words() -> None:
    assert {"the", "yes", "no"} <= word_set("stopwords.function")
