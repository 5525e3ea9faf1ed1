from __future__ import annotations

from understudy.usage import count_pieces, cut, pieces

TEXT = "I'm here, and extraordinarily tired.  It's 12345 times worse…"


def test_pieces_join_to_the_text() -> None:
    assert "".join(pieces(TEXT)) == TEXT
    assert "".join(pieces(TEXT + "  ")) == TEXT + "  "


def test_a_cut_has_at_most_the_limit() -> None:
    text, was_cut = cut(TEXT, 5)
    assert was_cut
    assert count_pieces(text) == 5
    assert TEXT.startswith(text)


def test_what_is_short_enough_stays_whole() -> None:
    assert cut(TEXT, count_pieces(TEXT)) == (TEXT, False)
