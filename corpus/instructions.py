"""Lines of a transcript that speak to a machine, or that nobody said: flagged for whoever signs.

A transcript from outside may steer a judge that reads it, or a model that learns from it. What is
flagged is kept as it is; it comes into use only when the person who signs accepts that record.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from corpus.anycase import AnyCase
from corpus.data.files import load_yaml
from corpus.lexicon import is_ordinary
from corpus.people.words import TOKEN
from domain.base import Noun

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.record import Record

_WORD = re.compile(r"[^\W\d_]+")
_BLOB = re.compile(
    r"(?<![\w/.@])(?:[A-Za-z0-9+/]{24,}={0,2}|[0-9a-f]{32,})(?![\w/])", re.IGNORECASE
)
_SPACED = re.compile(r"(?:\b\w\b[ .\-]{1,3}){6,}\w\b")
_LEET_WORD = re.compile(r"\b(?=\w*[A-Za-z])(?=\w*\d)[\w@$]{2,}\b")
_SIGN = re.compile(r"[^\w\s.,!?'’\"“”:;()–—…-]")
_HIDDEN = frozenset({"Cf", "Co", "Cn"})
"""Unicode classes of characters that nobody sees: formats, private use, unassigned."""
_HARMLESS_HIDDEN = frozenset("\u00ad\u200c\u200d\ufeff")
"""Soft hyphen, joiners of scripts and emoji, a mark of order: not one of them alone is a flag."""
_MANY_SIGNS, _NOISE, _REPEATS = 6, 0.12, 3


class Flag(Noun):
    """One turn that is flagged; `families` name why, as in data/instructions.yaml."""

    turn: int
    families: tuple[str, ...]


def flags_of(record: Record) -> tuple[Flag, ...]:
    """Return the flagged turns of a record; the topic counts as the turn after the last."""
    texts = [*(turn.text for turn in record.turns), record.topic]
    found = ((number, families_of(text)) for number, text in enumerate(texts))
    return tuple(Flag(turn=number, families=families) for number, families in found if families)


@lru_cache(maxsize=4096)
def families_of(text: str) -> tuple[str, ...]:
    """Return why a text is flagged, in the order of the data; nothing where it is not."""
    plain = _undisguised(text)
    found = [name for name, pattern in _families().items() if pattern.is_in(plain)]
    found += [name for name, test in _SHAPES.items() if test(text)]
    return tuple(found)


def _undisguised(text: str) -> str:
    """Return the text without what is not seen, with lookalikes and spaced letters put right."""
    plain = text
    if not text.isascii():  # of ASCII all is seen, and nothing is a lookalike
        seen = "".join(sign for sign in text if unicodedata.category(sign) not in _HIDDEN)
        plain = unicodedata.normalize("NFKC", seen)
    return _SPACED.sub(lambda match: re.sub(r"[ .\-]{1,2}(?=\w\b)", "", match[0]), plain)


def _has_hidden(text: str) -> bool:
    if text.isascii():
        return False
    hidden = [sign for sign in text if unicodedata.category(sign) in _HIDDEN]
    return any(sign not in _HARMLESS_HIDDEN for sign in hidden)


def _has_lookalikes(text: str) -> bool:
    """Tell a word that mixes Latin letters with others that look like them."""
    if text.isascii():
        return False
    alike = frozenset(load_yaml("instructions")["lookalikes"])
    return any(
        any(sign in alike for sign in word[0]) and any(sign.isascii() for sign in word[0])
        for word in _WORD.finditer(text)
    )


def _is_blob(text: str) -> bool:
    return any(
        any(map(str.isdigit, match[0])) or match[0].endswith("=") or not match[0].isalpha()
        for match in _BLOB.finditer(text)
    )


def _is_spaced(text: str) -> bool:
    """Tell words whose letters are set apart, and are more than a stutter or a spelled name."""
    return any(len(set(re.sub(r"\W", "", match[0]))) > 5 for match in _SPACED.finditer(text))


def _is_leet(text: str) -> bool:
    """Tell words in which figures stand for letters: three or more that are words put right."""
    if not any(map(str.isdigit, text)):
        return False
    table = str.maketrans(load_yaml("instructions")["leet"])
    put_right = [match[0].lower().translate(table) for match in _LEET_WORD.finditer(text)]
    return sum(word.isalpha() and is_ordinary(word) for word in put_right) >= _REPEATS


def _is_noise(text: str) -> bool:
    """Tell a row of signs, or of short words of no language over and over."""
    signs = len(_SIGN.findall(text)) + len(re.findall(r"[\])(;!]{2,}|\\", text)) * 2
    if signs >= _MANY_SIGNS and signs / max(1, len(text)) >= _NOISE / 2:
        return True
    strange = [word[0].lower() for word in TOKEN.finditer(text)]
    strange = [word for word in strange if len(word) > 1 and not _is_pronounced(word)]
    return len(strange) - len(set(strange)) >= _REPEATS


@lru_cache(maxsize=65536)
def _is_pronounced(word: str) -> bool:
    return any(sign in "aeiouy" for sign in word) or word in {
        "hmm",
        "mm",
        "mmm",
        "hm",
        "mhm",
        "shh",
        "psst",
        "dr",
        "mr",
        "mrs",
        "ms",
        "tv",
        "vs",
    }


_SHAPES = {
    "hidden": _has_hidden,
    "lookalikes": _has_lookalikes,
    "blob": _is_blob,
    "spaced": _is_spaced,
    "leet": _is_leet,
    "noise": _is_noise,
}


@lru_cache(maxsize=1)
def _families() -> dict[str, AnyCase]:
    data = load_yaml("instructions")
    return {
        name: AnyCase("|".join(f"(?:{one})" for one in _filled(patterns, data["words"])), re.M)
        for name, patterns in data["families"].items()
    }


def _filled(patterns: list[str], words: dict[str, str]) -> Iterator[str]:
    for pattern in patterns:
        filled = pattern
        while any("{" + name + "}" in filled for name in words):
            for name, own in words.items():
                filled = filled.replace("{" + name + "}", own)
        yield filled
