"""What a capital tells: inside a sentence, or on a word that is none of English, it is a name.

Not told apart: a name that is a word and opens a sentence ("Hunter was late") where nothing else
in the record says that it is one. Words all in capitals are emphasis or abbreviations and are left
to the reviewer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from corpus.data.files import first_names
from corpus.lexicon import harmless, is_ordinary, vocabulary
from corpus.people.words import CONTRACTION, POSSESSIVE, TOKEN, plain

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Sequence

MOSTLY = 0.7
"""Share of words with a capital from which a text is a headline: there a capital tells nothing."""
_HEADLINE_WORDS = 7
_SHORTEST, _CUT = 3, 6
_BEFORE, _QUOTES, _CLOSING, _ENDS = " \t\n\"“‘'([", '"“([', '"”’)', ".!?…:—–-"  # noqa: RUF001 - quotation marks


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text: as written, in its plain form, and where it stands."""

    written: str
    plain: str
    start: int
    end: int
    """Without a possessive: of "Maria's" the end of "Maria"."""
    has_capital: bool
    """Whether it begins with a capital and is not all capitals."""


@lru_cache(maxsize=1024)
def words_of(text: str) -> tuple[Word, ...]:
    """Return the words of `text`; those of the record at hand are kept."""
    return tuple(map(_word, TOKEN.finditer(text)))


def _word(match: re.Match[str]) -> Word:
    written, start = match[0], match.start()
    stem = POSSESSIVE.sub("", written) if "'" in written or "’" in written else written
    first = stem.partition("-")[2] or stem if stem[0].islower() else stem  # "al-Rashid"
    capital = first[0].isupper() and not (len(stem) > 1 and stem.isupper())
    return Word(written, plain(stem), start, start + len(stem), capital)


def opens(text: str, start: int) -> bool:
    """Tell whether a sentence, a quotation or a bracket opens at `start`."""
    at = start
    while at and text[at - 1] in _BEFORE:
        at -= 1
    if at == 0 or any(sign in _QUOTES for sign in text[at:start]):
        return True
    sign = text[at - 2] if text[at - 1] in _CLOSING and at > 1 else text[at - 1]
    return sign in _ENDS


def is_caseless(texts: Iterable[str]) -> bool:
    """Tell captions that are all in small letters or all in capitals."""
    upper = lower = 0
    for text in texts:
        upper += any(map(str.isupper, text))
        lower += any(map(str.islower, text))
    return not (upper and lower)


def is_headline(words: Sequence[Word]) -> bool:
    """Tell a text in which most words have a capital: there one tells nothing."""
    if len(words) < _HEADLINE_WORDS:
        return False
    return sum(word.written[0].isupper() for word in words) >= MOSTLY * len(words)


def names_by_capital(text: str, words: Sequence[Word]) -> list[Word]:
    """Return the words of `text` that their capital makes a name."""
    headline = is_headline(words)
    return [word for word in words if word.has_capital and _is_name(word, text, headline=headline)]


def _is_name(word: Word, text: str, *, headline: bool) -> bool:
    if word.plain in first_names():
        return True
    if len(word.plain) < 2 or CONTRACTION.search(word.written) or _is_cut(word, text):
        return False
    if word.plain in harmless():
        return False
    if headline or opens(text, word.start):
        return not is_ordinary(word.plain)
    return "-" not in word.plain or not is_ordinary(word.plain)


def names_in_captions(words: Sequence[Word]) -> list[Word]:
    """Return the words of a text without capitals that are none of English."""
    return [word for word in words if len(word.plain) >= _SHORTEST and _is_unknown(word)]


def _is_unknown(word: Word) -> bool:
    if word.plain in first_names() and word.plain not in vocabulary():
        return True
    return not is_ordinary(word.plain) and not CONTRACTION.search(word.written)


def _is_cut(word: Word, text: str) -> bool:
    """Tell a word that breaks off: "Wh- what"."""
    return text[word.end : word.end + 1] in {"-", "–", "—"} and len(word.plain) < _CUT
