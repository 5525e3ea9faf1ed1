from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from corpus.overlap import SHORTEST, Overlap, Said, longest_overlaps
from domain.turn import Speaker, Turn
from tests.corpus.builders import record

if TYPE_CHECKING:
    from domain.record import Record


def saying(*texts: str) -> Record:
    turns = tuple(
        Turn(index=i, speaker=Speaker.CLIENT if i % 2 else Speaker.THERAPIST, text=text)
        for i, text in enumerate(texts)
    )
    return record(1).model_copy(update={"turns": turns})


def longest(said: str, *texts: str, shown: tuple[str, ...] = ()) -> Overlap:
    return longest_overlaps([Said(said, shown)], [saying(*texts)])[0]


def test_the_longest_run_is_found_whatever_its_marks() -> None:
    found = longest(
        "Well, it was the RED door, and nobody answered me.",
        "nothing alike here",
        "So: it was the red door and nobody came.",
    )
    assert found.words == 7
    assert found.turn == 1
    assert found.record_id.startswith("record-")


def test_a_run_does_not_go_on_into_the_next_turn() -> None:
    assert longest("one two three four five six", "one two three four", "five six").words == 4


def test_fewer_words_than_the_shortest_are_none() -> None:
    assert longest("one two three", "one two three") == Overlap()


def test_what_was_shown_is_not_memory() -> None:
    said = "you never liked the sea or the cold wind in the morning there"
    theirs = "I never liked the sea or the cold wind in the morning there at all"
    assert longest(said, theirs).words == 12
    assert longest(said, theirs, shown=("I never liked the sea",)).words < 12
    assert longest(said, theirs, shown=(theirs,)) == Overlap()


def plain(left: list[str], right: list[str]) -> int:
    """The textbook table of common suffixes."""
    best, before = 0, [0] * (len(right) + 1)
    for a in left:
        now = [0] * (len(right) + 1)
        for j, b in enumerate(right, start=1):
            now[j] = before[j - 1] + 1 if a == b else 0
            best = max(best, now[j])
        before = now
    return best


@pytest.mark.parametrize("seed", range(30))
def test_it_agrees_with_the_plain_way(seed: int) -> None:
    rng = random.Random(seed)
    left, right = ([rng.choice("abc") * 2 for _ in range(40)] for _ in range(2))
    expected = plain(left, right)
    found = longest(" ".join(left), " ".join(right)).words
    assert found == (expected if expected >= SHORTEST else 0)
