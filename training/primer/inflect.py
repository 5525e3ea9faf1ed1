"""English endings: the forms of a verb, the right article, a clause seen from the other side."""

from __future__ import annotations

import re
from dataclasses import dataclass

VOWELS = frozenset("aeiou")
_ONE_BEAT = re.compile(r"(qu|[^aeiou]*)[aeiou][^aeiouwxy]")
"""A short verb that doubles its last consonant: `stop`, `stopped`, `stopping`."""
_STRESSED_END = frozenset({"admit", "begin", "commit", "expel", "forget", "refer", "regret"})
"""Longer verbs that double theirs."""

_TURNED = {
    "i": "you",
    "i'm": "you're",
    "i've": "you've",
    "i'd": "you'd",
    "i'll": "you'll",
    "me": "you",
    "my": "your",
    "mine": "yours",
    "myself": "yourself",
    "am": "are",
    "was": "were",
}


@dataclass(frozen=True)
class Verb:
    """The forms of one verb: eat, eats, ate, eaten, eating."""

    base: str
    third: str
    past: str
    participle: str
    ing: str

    def form(self, name: str) -> str:
        """Return the form called `verb`, `third`, `past` or `ing`."""
        return {"verb": self.base, "third": self.third, "past": self.past, "ing": self.ing}[name]


def verb(entry: str) -> Verb:
    """Build a verb from `base` or, where it is irregular, `base past participle`."""
    parts = entry.split()
    base = parts[0]
    regular = _past(base)
    past, participle = (parts[1], parts[2]) if len(parts) == 3 else (regular, regular)
    return Verb(base, _third(base), past, participle, _ing(base))


def article(noun: str) -> str:
    """Return `a` or `an`, by the first letter."""
    return "an" if noun[0].lower() in VOWELS and not noun.startswith(("uni", "use")) else "a"


def turned(clause: str) -> str:
    """Say a first-person clause to the person who said it: `I lost my key`, `you lost your key`."""
    words = [_TURNED.get(word.lower(), word) for word in clause.split()]
    return " ".join(words)


def capital(sentence: str) -> str:
    """Return `sentence` with its first letter, and every single `i`, as a capital."""
    fixed = re.sub(r"\bi\b", "I", sentence)
    return fixed[:1].upper() + fixed[1:]


def _doubles(base: str) -> bool:
    return base in _STRESSED_END or _ONE_BEAT.fullmatch(base) is not None


def _ends_in_consonant_y(base: str) -> bool:
    return base.endswith("y") and base[-2] not in VOWELS


def _past(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if _ends_in_consonant_y(base):
        return base[:-1] + "ied"
    return base + (base[-1] if _doubles(base) else "") + "ed"


def _third(base: str) -> str:
    if base.endswith(("s", "sh", "ch", "x", "z", "o")):
        return base + "es"
    return base[:-1] + "ies" if _ends_in_consonant_y(base) else base + "s"


def _ing(base: str) -> str:
    if base.endswith("ie"):
        return base[:-2] + "ying"
    if base.endswith("e") and not base.endswith(("ee", "oe", "ye")):
        return base[:-1] + "ing"
    return base + (base[-1] if _doubles(base) else "") + "ing"
