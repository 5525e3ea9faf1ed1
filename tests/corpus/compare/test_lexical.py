from __future__ import annotations

import math
from collections import Counter

import pytest

from corpus.compare.lexical import first_words, mattr, self_bleu
from measures.tokens import words


def test_self_bleu_of_equal_texts_is_one_and_of_strangers_low() -> None:
    assert self_bleu(["the quick brown fox jumps"] * 3) == pytest.approx(1.0)
    assert self_bleu(["a b c d e f", "g h i j k l"]) < 0.12
    assert self_bleu(["too short", "the only long text here"]) == 0.0


def test_self_bleu_by_hand() -> None:
    """Of five words, four runs of two, three of three, two of four: 4/5, 3/4, 2/3, 1/2."""
    by_hand = (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25
    assert self_bleu(["one two three four five", "one two three four six"]) == pytest.approx(
        by_hand
    )


def plain_self_bleu(texts: list[str]) -> float:
    """The definition, every text against every other."""
    said = [words(text) for text in texts]
    total = 0.0
    for at, one in enumerate(said):
        others = said[:at] + said[at + 1 :]
        logs = 0.0
        for n in range(1, 5):
            own = Counter(one[i : i + n] for i in range(len(one) - n + 1))
            most: Counter[tuple[str, ...]] = Counter()
            for other in others:
                most |= Counter(other[i : i + n] for i in range(len(other) - n + 1))
            matched = sum(min(count, most[run]) for run, count in own.items())
            logs += math.log(max(matched, 0.5) / own.total())
        nearest = min((len(other) for other in others), key=lambda k: (abs(k - len(one)), k))
        penalty = 1.0 if len(one) >= nearest else math.exp(1 - nearest / len(one))
        total += penalty * math.exp(logs / 4)
    return total / len(texts)


def test_self_bleu_is_what_comparing_all_with_all_gives() -> None:
    texts = [
        "so what went through your mind just then, just then",
        "what went through your mind when he left the room and left the house",
        "you felt that you were left alone",
        "what went through your mind",
        "so what went through your mind just then and what did you do",
    ]
    assert self_bleu(texts) == pytest.approx(plain_self_bleu(texts))


def test_mattr_is_the_share_of_different_words_in_a_window() -> None:
    assert mattr([" ".join(f"word{i}" for i in range(60))]) == 1.0
    assert mattr(["same " * 60]) == pytest.approx(1 / 50)
    two = " ".join(f"word{i % 25}" for i in range(200))
    assert mattr([two]) == pytest.approx(0.5)
    assert mattr(["far too short"]) == 0.0


def test_equal_amounts_are_taken() -> None:
    assert first_words(["a b c", "d e", "f"], 4) == ["a b c", "d e"]
