from __future__ import annotations

import pytest

from measures.heard import heard
from measures.lexicon import lists
from measures.phrases import PhraseIndex

TURN = (
    "Okay... so, I-I don't want to be here. \u201cYou should rest!\u201d she said (again?) "
    "You told me you'd try 3.5 times. What was that like? Bye-bye"
)


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
    places = PhraseIndex({"list": [phrase]}).places(words, [len(words)])
    assert [place[3] for place in places] == ends


@pytest.mark.parametrize("phrase", ["one two", "one ... two", "one (none) two"])
def test_no_phrase_crosses_the_end_of_a_run(phrase: str) -> None:
    assert PhraseIndex({"list": [phrase]}).places(["one", "two"], [1, 2]) == []
