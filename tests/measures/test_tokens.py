from __future__ import annotations

from measures.tokens import sentences, stem, words


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
