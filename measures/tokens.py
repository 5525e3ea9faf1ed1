"""Text cut into sentences, words and content words."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain

KEPT = 4096
"""Texts whose measures are kept: the turns of a hundred sessions that are read at once."""

TURNS = 16384
"""Turns of which a few numbers are kept: those of the sessions that one worker plays at once."""

_END = re.compile(r"[.!?]+")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_SENTENCE = re.compile(r"[^.!?]*[.!?]+[\"')\]]*|[^.!?]+$")
_QUOTED = re.compile(r'"[^"]*"')
_LOOSE = re.compile(r"'(?![A-Za-z0-9])|(?<![A-Za-z0-9])'")
"""An apostrophe that is in no word."""
_LOOSE_SIGNS = ("' ", " '", "'.", ".'", "''")
"""One of these is in a text that has one, once it begins and ends with a blank."""
_STUTTER = re.compile(r"\b(\w+)-+\s*(?=\1\b)")
_QUOTES = str.maketrans({0x2019: "'", 0x2018: "'", 0x201C: '"', 0x201D: '"', 0x2026: "."})
_ENDINGS = (
    ("iness", "y"),
    ("ness", ""),
    ("ments", ""),
    ("ment", ""),
    ("fully", "ful"),
    ("ingly", ""),
    ("edly", ""),
    ("ying", "y"),
    ("ing", ""),
    ("ied", "y"),
    ("ies", "y"),
    ("ed", ""),
    ("ly", ""),
    ("sses", "ss"),
    ("s", ""),
)


def _straight(text: str) -> str:
    """Return `text` with straight quotes; plain ASCII, nearly all, is so already."""
    return text if text.isascii() else text.translate(_QUOTES)


@lru_cache(maxsize=KEPT)
def normal(text: str) -> str:
    """Return `text` in lower case with straight quotes, one space between words, no stutter.

    A transcriber's stutter ("I-I think", "the- the") is folded into one word.
    """
    plain = _straight(text).lower()
    spaced = "  " in plain or not plain.isprintable()  # else it has single blanks only
    plain = " ".join(plain.split()) if spaced else plain.strip()
    return _STUTTER.sub("", plain) if "-" in plain else plain


def _marked(code: int) -> int:
    """Return what stands for a byte of ASCII: itself in a word, a full stop, or a blank."""
    sign = chr(code)
    if sign in ".!?":
        return ord(".")
    return code if sign == "'" or (code < 128 and sign.isalnum()) else ord(" ")


_MARKED = bytes(map(_marked, range(256)))


def runs_of(plain: str) -> list[list[str]]:
    """Return the words of a text that is `normal` already, between one end mark and the next.

    Apostrophes stay, punctuation goes. "a... b" is two runs, and so is "a." (the second is empty).
    Plain ASCII, nearly all, is split without a pattern, at a quarter of the time.
    """
    if not plain.isascii():
        return [_WORD.findall(part) for part in _END.split(plain)]
    marked = f" {plain} ".encode().translate(_MARKED).decode()
    if "'" in marked and any(map(marked.__contains__, _LOOSE_SIGNS)):
        marked = _LOOSE.sub(" ", marked)
    parts = marked.split(".")
    if ".." in marked:
        parts = [parts[0], *filter(None, parts[1:-1]), parts[-1]]
    return [part.split() for part in parts]


@lru_cache(maxsize=KEPT)
def words(text: str) -> tuple[str, ...]:
    """Return the words of `text` in lower case; apostrophes stay (`don't`), punctuation goes."""
    return tuple(chain.from_iterable(runs_of(normal(text))))


@lru_cache(maxsize=KEPT)
def sentences(text: str) -> tuple[str, ...]:
    """Return the sentences of `text` as written, each with its closing mark, without empty ones."""
    found = map(str.strip, _SENTENCE.findall(_straight(text)))
    return tuple(filter(_WORD.search, found))


def quotes(text: str) -> bool:
    """Tell whether `text` has words in double quotes."""
    return _QUOTED.search(_straight(text)) is not None


@lru_cache(maxsize=KEPT)
def unquoted(text: str) -> str:
    """Return `text` without what stands in double quotes: words that are someone else's."""
    return _QUOTED.sub('""', _straight(text)) if '"' in _straight(text) else _straight(text)


@lru_cache(maxsize=32768)
def stem(word: str) -> str:
    """Return a rough stem: one common English ending off, if four letters or more stay.

    In the manner of Harman's S-stemmer (1991, JASIS 42(1)) with verb endings added. It joins
    `worry`, `worries` and `worried`; it does not join `think` and `thought`.
    """
    word = word.removesuffix("'s")
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and not (ending == "s" and word.endswith(("ss", "us", "is"))):
            base = word.removesuffix(ending) + instead
            if len(base) >= 3:
                return _tidy(base)
    return _tidy(word)


def _tidy(base: str) -> str:
    """Undo a doubled last letter (`stopp`), a silent e (`hope`) and a final y (`worry`)."""
    if len(base) > 3 and base[-1] == base[-2] and base[-1] not in "lsz":
        return base[:-1]
    if len(base) > 3 and base[-1] == "e":
        return base[:-1]
    if len(base) > 3 and base[-1] == "y":
        return base[:-1] + "i"
    return base
