"""Identifiers that a pattern finds: mail, telephone, dates, numbers, addresses, ages over 89."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from corpus.anycase import AnyCase
from corpus.checks import CHECKS
from corpus.data.files import load_yaml
from corpus.people.words import LOWER, UPPER
from corpus.spoken import mail_start
from domain.errors import PackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DIGIT = r"\d|\b(?:zero|oh|nought|one|two|three|four|five|six|seven|eight|nine|double|triple)\b"
_MONTH = r"\d|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)|(?:st|nd|rd|th) of\b"
_NEEDS: dict[str, Callable[[str], object]] = {
    name: AnyCase(pattern).is_in
    for name, pattern in {
        "": "",
        "at": "@",
        "dot": r"[\w)\]][.@/:]\w|\b(?:dot|point|period|www|img|dsc)|[(\[](?:at|dot)",
        "sign": r"[@_/]|\b(?:insta|twitter|snap|tiktok|discord|reddit|tumblr|user|handle|gamer"
        r"|screen|log ?in|xbox|psn|skype|telegram)",
        "digit": r"\d",
        "number": _DIGIT,
        "old": r"\d|\b(?:ninety|hundred)\b",
        "month": _MONTH,
    }.items()
} | {
    "capital": re.compile(
        rf"(?<=[^\s.!?] )[{UPPER}][{UPPER}{LOWER}]|(?:\b\w{{1,4}}\.|\d) [{UPPER}]"
        rf"|[{UPPER}][{LOWER}]+(?:str|gass|weg|allee|platz)"
    ).search,
    "small": re.compile(r"^[^A-Z]*$").search,
}
"""What a text must hold for a class's patterns to be tried."""
_STARTS: dict[str, Callable[[str], int]] = {"email_spoken": mail_start}
"""Where, within what matched, the identifier begins."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An identifier in a text, by its class and place."""

    kind: str
    start: int
    end: int

    def overlaps(self, other: Finding) -> bool:
        """Tell whether both claim a letter."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True)
class Recogniser:
    """One class of Safe Harbor with its patterns; `check` refuses what only looks like it."""

    kind: str
    patterns: tuple[re.Pattern[str], ...]
    check: Callable[[str], bool]
    needs: str = ""

    def find(self, text: str) -> list[Finding]:
        """Return where the class occurs in `text`; overlapping finds are possible."""
        found = []
        for pattern in self.patterns:
            group = "id" if "id" in pattern.groupindex else 0
            for match in pattern.finditer(text):
                start, end = match.span(group)
                start += _STARTS[self.kind](match[group]) if self.kind in _STARTS else 0
                if start < end and self.check(text[start:end]):
                    found.append(Finding(self.kind, start, end))
        return found


def findings(text: str) -> Iterator[Finding]:
    """Yield what the recognisers find in `text`, class by class; overlaps are possible."""
    has = {name: bool(is_in(text)) for name, is_in in _NEEDS.items()}
    for recogniser in recognisers():
        if has[recogniser.needs]:
            yield from recogniser.find(text)


@lru_cache(maxsize=1)
def recognisers() -> tuple[Recogniser, ...]:
    """Return the recognisers of `data/recognisers.yaml`, in their order.

    Raises:
        PackError: A class is doubled, a pattern is no pattern, or a check is unknown.
    """
    data = load_yaml("recognisers")
    made = tuple(_recogniser(entry, data["fill"]) for entry in data["recognisers"])
    kinds = [one.kind for one in made]
    if len(set(kinds)) != len(kinds):
        raise _bad("a class stands twice", ", ".join(kinds))
    return made


def _recogniser(entry: dict[str, object], fill: dict[str, str]) -> Recogniser:
    patterns, check = entry["patterns"], str(entry.get("check", ""))
    needs = str(entry.get("needs", ""))
    if not isinstance(patterns, list) or not patterns or check not in CHECKS or needs not in _NEEDS:
        raise _bad("a class has no patterns or an unknown check", str(entry.get("class")))
    try:
        compiled = tuple(re.compile(_filled(str(pattern), fill)) for pattern in patterns)
    except re.error as error:
        raise _bad(f"a pattern of {entry['class']} is none: {error}", str(error.pattern)) from error
    return Recogniser(str(entry["class"]), compiled, CHECKS[check], needs)


def _filled(pattern: str, fill: dict[str, str]) -> str:
    """Fill in the names in braces; what is filled in may hold names, too."""
    while any("{" + name + "}" in pattern for name in fill):
        for name, words in fill.items():
            pattern = pattern.replace("{" + name + "}", words)
    return pattern


def _bad(what: str, got: str) -> PackError:
    return PackError(
        what,
        where="corpus/data/recognisers.yaml",
        expected="classes once each, with patterns",
        got=got,
        mend="Correct the file.",
    )
