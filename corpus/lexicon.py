"""What is a word of ordinary English, and what may stand with a capital without naming anybody."""

from __future__ import annotations

import re
from functools import lru_cache

from corpus.data.files import load_yaml, word_list

_LISTS = ("capitals", "brands", "medicines", "peoples", "terms")
_LONG_DRAWN = re.compile(r"(\w)\1{2,}")
_SOUNDS = re.compile(r"(?:h+m+|m+|a+h+|o+h+|u+h+|e+h+|h+a+|(?:ha){2,}h?|w+h?|s+h+|n+a+h+|y+e+a+h*)")
_ENDINGS = re.compile(r"(?:'s|s|es|ed|d|ing|ly|ness|able|ability|ers?|ized?|ised?|y)$")
_BEGINNINGS = re.compile(r"^(?:re|un|pre|non|over|mis|dis|anti|self|co|micro|super|hyper|inter)-?")


@lru_cache(maxsize=1)
def vocabulary() -> frozenset[str]:
    """Return the words of ordinary English, in small letters, with those of speech."""
    return frozenset(word_list("vocabulary")) | frozenset(load_yaml("lexicon")["speech"])


@lru_cache(maxsize=1)
def harmless() -> frozenset[str]:
    """Return what names nobody though it may stand with a capital, in small letters."""
    data, shipped = load_yaml("lexicon"), load_yaml("recognisers")
    listed = {str(word) for name in _LISTS for word in data[name]}
    return frozenset({*listed, *shipped["not_names"], *shipped["large_places"]})


@lru_cache(maxsize=65536)
def is_ordinary(plain: str) -> bool:
    """Tell a word of English, or one made of such; `plain` is in small letters.

    Long-drawn words ("sooo"), sounds ("hmmm"), both parts of a hyphenated word, and what common
    endings and beginnings make of a word of some length count as ordinary.
    """
    if plain in vocabulary() or plain in harmless() or len(plain) < 3 or _SOUNDS.fullmatch(plain):
        return True
    if "-" in plain or "'" in plain:
        return all(is_ordinary(part) for part in re.split("[-']", plain) if part)
    drawn = _LONG_DRAWN.sub(r"\1", plain), _LONG_DRAWN.sub(r"\1\1", plain)
    return any(word in vocabulary() for word in drawn) or _is_made(plain)


def _is_made(plain: str) -> bool:
    if len(plain) < 8:
        return False
    stem = _ENDINGS.sub("", plain)
    stems = {stem, f"{stem}e", f"{stem}y", _BEGINNINGS.sub("", plain), _BEGINNINGS.sub("", stem)}
    return any(len(one) > 4 and one in vocabulary() for one in stems)
