from __future__ import annotations

import pytest

from measures.anchors import Anchors, places
from measures.heard import heard
from measures.lexicon import lists

TURN = (
    "Okay... so, I-I don't want to be here. \u201cYou should rest!\u201d she said (again?) "
    "You told me you'd try 3.5 times. What was that like? Bye-bye"
)


def ends_of(phrase: str, words: list[str], ends: list[int]) -> list[int]:
    """Return the numbers after the last words of the places where `phrase` stands."""
    called = Anchors({"list": [phrase]}).called(words)
    return [place[3] for place in places(called.get("list", ()), words, ends)]


def test_a_sentence_in_a_turn_is_heard_as_if_it_stood_alone() -> None:
    met = 0
    for sentence in heard(TURN).sentences:
        (alone,) = heard(sentence.text).sentences
        assert sentence.words == alone.words
        for name in lists():
            assert sentence.hits(name) == alone.hits(name)
            met += sentence.has(name)
    assert met > 5


@pytest.mark.parametrize(
    ("phrase", "said", "ends"),
    [
        ("one", "one two", [1]),
        ("one two/three", "one three one", [2]),
        ("one (two) three", "one three one two three", [2, 5]),
        ("one (two)", "one two one", [2, 3]),
        ("one ... four", "one two three four", [4]),
        ("one ... four", "one a b c d four", []),
        ("one two*", "one twofold", [2]),
        ("one* two", "onefold two", [2]),
        ("(one) two", "one two", [2, 2]),
    ],
)
def test_phrases_are_found_where_they_are_written(phrase: str, said: str, ends: list[int]) -> None:
    words = said.split()
    assert ends_of(phrase, words, [len(words)]) == ends


@pytest.mark.parametrize("phrase", ["one two", "one ... two", "one (none) two"])
def test_no_phrase_crosses_the_end_of_a_run(phrase: str) -> None:
    assert ends_of(phrase, ["one", "two"], [1, 2]) == []


def test_a_phrase_without_a_sure_word_is_found_in_every_run() -> None:
    assert ends_of("one*", ["onefold", "two", "oneness"], [2, 3]) == [1, 3]


def test_a_phrase_that_two_of_its_anchors_call_stands_there_once() -> None:
    assert ends_of("one ... two/three", ["one", "three", "two"], [3]) == [2]
