from __future__ import annotations

import random

import pytest

from benchmarks.variety import variety
from corpus.compare.side import Side, Talk
from domain.turn import Speaker, Turn

WORDS = (
    "lamp",
    "river",
    "stone",
    "paper",
    "cloud",
    "window",
    "garden",
    "bread",
    "market",
    "winter",
)


def talk(name: str, seed: int, repeated: int = 0) -> Talk:
    """Twelve turns of words drawn by `seed`; the first `repeated` are the same in every talk."""
    turns = []
    for at in range(12):
        draw = random.Random(at if at < repeated else 1000 * seed + at)
        said = " ".join(draw.choices(WORDS, k=14))
        speaker = Speaker.THERAPIST if at % 2 == 0 else Speaker.CLIENT
        turns.append(Turn(index=at, speaker=speaker, text=said))
    return Talk(name, name, tuple(turns))


def side(name: str, repeated: int) -> Side:
    return Side(name, tuple(talk(f"{name}-{n}", n, repeated) for n in range(6)), 6)


def test_talks_that_share_most_of_their_words_are_near_duplicates_and_less_varied() -> None:
    varied, alike = variety([side("varied", 0), side("alike", 10)], None)
    assert varied["near_duplicates"] == 0
    assert varied["most_alike"] == 0
    assert alike["near_duplicates"] == alike["pairs"] == 15
    assert alike["near_duplicate_rate"] == 1
    scores = [one["vendi"] for one in (varied, alike)]
    for kind in ("sessions", "therapist turns", "client turns"):
        first, second = (score[kind] for score in scores)  # type: ignore[index]
        assert first["n"] == second["n"]
        assert first["score"] > second["score"]


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_only_the_first_turns_are_compared_where_that_is_asked_for() -> None:
    [late] = variety([Side("late", (talk("a", 1, 4), talk("b", 2, 4)), 2)], 4)
    assert late["near_duplicates"] == 1
