"""How people are introduced: "my name is", "Dr.", "my sister", "told"; the cues are data."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from corpus.anycase import AnyCase
from corpus.data.files import first_names, load_yaml
from corpus.lexicon import is_ordinary
from corpus.people.capitals import opens
from corpus.people.words import CONTRACTION, LOWER, NAME, NAMES, POSSESSIVE, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corpus.people.capitals import Word

_SMALL = rf"([{LOWER}][{LOWER}'’-]+)"
_ADJECTIVE = re.compile(r"(?:an|ish|ese|ic|ed|ing|ful|less)$")
_PAUSE = re.compile(r"[,.]")
_NAME_ENDS = re.compile(r"['’]s\b|[,.!?;]|$")
_BEING = re.compile(r" (?:is|was|and|or|thinks|[a-z]{3,}s)\b")
_ORDINARY_GOES_ON = re.compile(
    r" (?:I|you|he|she|we|they|it|this|that|these|those|there|my|your|his|her|our|their|the|an?|me"
    r"|us|him|them|not|be|to|of|for)\b"
)


@lru_cache(maxsize=1)
def ambiguous() -> frozenset[str]:
    """Return names that are words, too, in small letters."""
    return frozenset(load_yaml("recognisers")["ambiguous"])


@lru_cache(maxsize=1)
def not_names() -> frozenset[str]:
    """Return words that are no names wherever they stand, in small letters."""
    return frozenset(load_yaml("recognisers")["not_names"])


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    """Return names that captions are full of as words."""
    return frozenset(load_yaml("recognisers")["common"])


@lru_cache(maxsize=1)
def names_follow() -> frozenset[str]:
    """Return words that a name may follow where it opens what is said."""
    return frozenset(load_yaml("recognisers")["before_names"])


def does_follow(text: str, end: int) -> bool:
    """Tell whether what stands at `end` is what a person does or is: " was late"."""
    after = text[end : end + 24].lower()
    return bool(_does().match(after) or _BEING.match(after))


@lru_cache(maxsize=1)
def _things() -> frozenset[str]:
    return frozenset(load_yaml("recognisers")["things"])


@lru_cache(maxsize=1)
def _does() -> re.Pattern[str]:
    does = load_yaml("recognisers")["introductions"]["does"]
    return re.compile(rf" (?:{'|'.join(re.escape(one) for one in does)})\b")


def _any_of(*keys: str) -> str:
    data: dict[str, Any] = load_yaml("recognisers")["introductions"]
    cues = [cue for key in keys for cue in data[key]]
    return "|".join(re.escape(cue) for cue in sorted(cues, key=len, reverse=True))


@lru_cache(maxsize=1)
def _pointers() -> dict[str, AnyCase]:
    """Return what a text must hold for a cue's pattern to be tried; few hold any."""
    pointing = {"strong": "strong", "plain": "plain", "done_to": "done_to", "title": "titles"}
    return {key: AnyCase(rf"\b(?:{_any_of(words)})") for key, words in pointing.items()}


@lru_cache(maxsize=1)
def _cues() -> dict[str, re.Pattern[str]]:
    return {
        "strong": re.compile(rf"(?i:\b(?:{_any_of('strong')})),? ({NAMES})"),
        "plain": re.compile(rf"(?i:\b(?:{_any_of('plain')}))(?:,| is| was|'s|’s)? ({NAMES})"),
        "does": re.compile(rf"(?:^|(?<=[{LOWER},.?!] ))({NAME}),? (?:{_any_of('does')})\b"),
        "done_to": re.compile(rf"(?i:\b(?:{_any_of('done_to')})) ({NAMES})"),
        "spelt": re.compile(rf"\b({NAME}),? (?:with (?:an?|one|two) \w\b|spelled|spelt)"),
        "iam": re.compile(rf"\b(?:I'm|I’m|I am) ({NAMES})"),
        "title": re.compile(rf"(?i:\b(?:{_any_of('titles')}))\.? ({NAMES})"),
        "small": re.compile(
            rf"(?i:\b(?:{_any_of('strong', 'plain', 'done_to', 'titles')})),?\.? {_SMALL}"
        ),
    }


def _absent(text: str) -> set[str]:
    return {key for key, pointer in _pointers().items() if not pointer.is_in(text)}


def introduced(text: str) -> Iterator[tuple[str, bool]]:
    """Yield (name, whether a family name) for each introduction in `text`."""
    cues, absent = _cues(), _absent(text)
    for key in ("strong", "plain", "does", "done_to", "spelt", "iam"):
        for match in () if key in absent else cues[key].finditer(text):
            name = _leading_names(match[1])
            if name and _is_introduced(key, name, text, match):
                yield name, False
    for match in () if "title" in absent else cues["title"].finditer(text):
        name = _leading_names(match[1])
        yield name, len(name.split()) == 1 and plain(name) not in first_names()


def introduced_small(text: str) -> Iterator[str]:
    """Yield names in small letters that a cue points at: known ones, and what is no word."""
    if len(_absent(text)) == len(_pointers()):
        return
    for match in _cues()["small"].finditer(text):
        word = plain(match[1])
        if word in first_names() or not is_ordinary(word):
            yield match[1]


def is_person_at_start(word: Word, text: str, *, known: bool) -> bool:
    """Tell whether a name that is a word, too, is the name where it opens a sentence.

    Of somebody known it is, unless it goes on as the word would ("Will you", "Mark my words"). Of
    nobody known it is where it is called out ("Will, he"), or does what a person does.
    """
    after = text[word.end : word.end + 24]
    if _ORDINARY_GOES_ON.match(after):
        return False
    if known or _NAME_ENDS.match(after):
        return True
    return bool(_does().match(after)) or (word.plain not in _things() and bool(_BEING.match(after)))


def _is_introduced(key: str, name: str, text: str, match: re.Match[str]) -> bool:
    first = plain(name.split()[0])
    if key == "does":
        return not opens(text, match.start(1)) or first in ambiguous() - _things()
    return key != "iam" or _person_like(name, text[match.end() :])


def _leading_names(words: str) -> str:
    """Return the words up to the first that is no name: "Tom And" -> "Tom"."""
    kept: list[str] = []
    for word in words.split():
        if plain(word) in not_names() or CONTRACTION.search(word):
            break
        kept.append(POSSESSIVE.sub("", word))
    return " ".join(kept)


def _person_like(name: str, after: str) -> bool:
    """Tell "I'm Priya" from "I'm Lutheran": a known name, two words, or followed by a pause."""
    first = plain(name.split()[0])
    if first in first_names() or first in ambiguous() or len(name.split()) > 1:
        return True
    return not _ADJECTIVE.search(first) and bool(_PAUSE.match(after))
