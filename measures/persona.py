"""What a client says of themselves against what the case says: age, name, home, children, work.

Plain statements only ("I'm 52", "my name is", "I live alone", "I have no children", "I'm retired").
A contradiction told in a story ("when the twins were born" of somebody without children) is not
seen, and neither is one of character.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from domain.turn import Speaker
from measures.heard import heard
from measures.tokens import TURNS, normal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from domain.turn import Turn

_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
    "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_UNITS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5,
    "six": 6, "seven": 7, "eight": 8, "nine": 9,
}  # fmt: skip
_TEENS = {"eighteen": 18, "nineteen": 19}
_SPELLED = rf"(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(_UNITS)}))?|{'|'.join(_TEENS)}"
_AGE = re.compile(
    rf"\b(?:i'm|i am|i just turned|i turned|i've turned|i've just turned|i'll be|i have turned) "
    rf"(?:only |just |now |already |nearly |almost )?(?P<age>\d\d|{_SPELLED})"
    r"(?= years old| years of age| now\b| already\b| and\b| next\b| this\b| last\b| in (?:may|march"
    r"|june|july|april|august|january|february|september|october|november|december|a )|[.,;!?]|$)"
    rf"|\bas an? (?P<as>\d\d|{_SPELLED})[- ]year[- ]old\b"
    rf"|\bat (?P<at>\d\d|{_SPELLED}),? (?:i|you'd|one|you)\b"
    rf"|\bi'm an? (?P<an>\d\d|{_SPELLED})[- ]year[- ]old\b"
)
_YEAR_EITHER_WAY = 1
"""Years by which a told age may differ: a birthday, "nearly"."""
_NAME = re.compile(
    r"\b(?:my name(?:'s| is)|i'm called|please call me|you can call me) ([a-z][\w'-]+)"
)
_NO_NAMES = frozenset(
    {"a", "an", "the", "not", "names", "by", "to", "in", "lazy", "if", "when", "any"}
)
_ALONE = re.compile(r"\bi live (?:all )?(?:alone|on my own|by myself)\b")
_NOT_ALONE = re.compile(
    r"\bi (?:still )?live with my (?:wife|husband|partner|parents|girlfriend|boyfriend|children|"
    r"kids|"
    r"sister|brother|mother|father|mum|mom|dad|flatmates?|roommates?)\b"
)
_CHILDLESS = re.compile(
    r"\bi (?:don't have|do not have|have no|never had|haven't got|haven't) (?:any )?"
    r"(?:children|kids)\b"
)
_WORKLESS = re.compile(
    r"\bi(?:'m| am) (?:already |now |currently )?(?:retired|unemployed|out of work|between jobs)\b"
    r"|\bi (?:don't|do not) have a job\b|\bi've been retired\b"
)
_HAS_CHILDREN = re.compile(
    r"\b(?:child|children|kids?|son|sons|daughters?|baby|toddler|teenagers?)\b"
)
_LIVES_ALONE = re.compile(
    r"\b(?:alone|on (?:his|her|their|your|my) own|by (?:him|her|them)sel\w+)\b"
)
_NO_WORK = re.compile(
    r"\b(?:retired|unemployed|out of work|job|student|pension\w*|redundan\w*|home)\b"
)


class Facts(NamedTuple):
    """What the case says of the client; empty or 0 where it says nothing."""

    name: str = ""
    age: int = 0
    household: str = ""
    occupation: str = ""


class Contradiction(NamedTuple):
    """A client's turn that says otherwise, and the words."""

    turn: int
    what: str
    quote: str


def contradictions(turns: Sequence[Turn], facts: Facts) -> tuple[Contradiction, ...]:
    """Return the client's statements about themselves that the case contradicts."""
    return tuple(
        Contradiction(turn.index, what, quote)
        for turn in turns
        if turn.speaker is Speaker.CLIENT
        for what, quote in told(turn.text)
        if _TESTS[what](quote, facts)
    )


@lru_cache(maxsize=TURNS)
def told(text: str) -> tuple[tuple[str, str], ...]:
    """Return what a turn says of its speaker: the kind, and the words or the value."""
    plain = normal(text)
    found: list[tuple[str, str]] = []
    if not _AGES.isdisjoint(heard(text).words) or _DIGITS.search(plain):
        found += [("age", next(filter(None, match.groups()))) for match in _AGE.finditer(plain)]
    if "name" in plain or "call" in plain:
        found += [("name", one[1]) for one in _NAME.finditer(plain) if one[1] not in _NO_NAMES]
    for what, pattern, cues in _PATTERNS:
        for cue in cues:  # nearly no turn has one
            if cue in plain:
                found += [(what, match.group()) for match in pattern.finditer(plain)]
                break
    return tuple(found)


_AGES = frozenset({*_TENS, *_TEENS})
_DIGITS = re.compile(r"\d\d")
_PATTERNS = (
    ("alone", _ALONE, ("i live ",)),
    ("company", _NOT_ALONE, ("live with my ",)),
    ("childless", _CHILDLESS, ("children", "kids")),
    ("workless", _WORKLESS, ("retired", "unemployed", "out of work", "between jobs", " a job")),
)
"""What is said, how it is said, and words of which one is in all that is said so."""


def _years(said: str) -> int:
    """Return a number written in figures or in words."""
    if said.isdigit():
        return int(said)
    parts: Iterable[str] = re.split(r"[- ]", said)
    return sum({**_TENS, **_UNITS, **_TEENS}.get(part, 0) for part in parts)


def _other_age(said: str, facts: Facts) -> bool:
    return facts.age > 0 and abs(_years(said) - facts.age) > _YEAR_EITHER_WAY


def _other_name(said: str, facts: Facts) -> bool:
    known = normal(facts.name).split()
    return bool(known) and not any(part.startswith(said) or said.startswith(part) for part in known)


_TESTS: dict[str, Callable[[str, Facts], bool]] = {
    "age": _other_age,
    "name": _other_name,
    "alone": lambda _, f: bool(f.household) and not _LIVES_ALONE.search(f.household),
    "company": lambda _, f: bool(_LIVES_ALONE.search(f.household)),
    "childless": lambda _, f: bool(_HAS_CHILDREN.search(f.household)),
    "workless": lambda _, f: bool(f.occupation) and not _NO_WORK.search(f.occupation),
}
