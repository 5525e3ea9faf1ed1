from __future__ import annotations

import random
import re

import pytest

from measures.tokens import normal, runs_of, sentences, stem, words


def test_words_keep_apostrophes_and_drop_marks() -> None:
    assert words("I don\u2019t know -- maybe; it's OK!") == (
        "i",
        "don't",
        "know",
        "maybe",
        "it's",
        "ok",
    )


def test_sentences_keep_their_marks() -> None:
    assert sentences('He said "go." Why? I left') == ('He said "go."', "Why?", "I left")


def test_marks_alone_are_no_sentence() -> None:
    assert sentences("... !") == ()


def test_stem_joins_the_forms_of_a_word() -> None:
    assert len({stem(word) for word in ("worry", "worries", "worried", "worrying")}) == 1
    assert stem("stopped") == stem("stop")
    assert stem("hopes") == stem("hoping")


def test_stem_leaves_short_words_alone() -> None:
    assert stem("is") == "is"
    assert stem("bus") == "bus"


@pytest.mark.parametrize(
    "text",
    [
        "I don't know... what's 'that'? 'Tis rock 'n' roll, y''all.",
        "'a' .' b. '.c",
        "3.5 times!? snake_case e-mail a.b@c.de\x1f\x00tab\tend'",
        "na\u00efve caf\u00e9 don't. \u0130stanbul",
        "",
        "...",
        ". .",
        "''",
    ],
)
def test_runs_are_cut_as_the_patterns_cut_them(text: str) -> None:
    plain = normal(text)
    word, end = re.compile(r"[^\W_]+(?:'[^\W_]+)*"), re.compile(r"[.!?]+")
    assert runs_of(plain) == [word.findall(part) for part in end.split(plain)]


def test_plain_text_of_any_signs_is_cut_as_the_patterns_cut_it() -> None:
    dice = random.Random(5)
    word, end = re.compile(r"[^\W_]+(?:'[^\W_]+)*"), re.compile(r"[.!?]+")
    for _ in range(3000):
        plain = normal("".join(dice.choices("ab1'_.!? -\"(", k=dice.randint(0, 14))))
        assert runs_of(plain) == [word.findall(part) for part in end.split(plain)], plain
