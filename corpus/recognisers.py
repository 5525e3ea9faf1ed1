"""Identifiers that a pattern finds: mail, telephone, dates, numbers, addresses, ages over 89."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from corpus.ages import age_in
from corpus.data.files import load_yaml
from corpus.dates import can_shift
from domain.errors import PackError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
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

    def find(self, text: str) -> list[Finding]:
        """Return where the class occurs in `text`; overlapping finds are possible."""
        found = []
        for pattern in self.patterns:
            for match in pattern.finditer(text):
                group = "id" if "id" in pattern.groupindex else 0
                if match[group] and self.check(match[group]):
                    found.append(Finding(self.kind, *match.span(group)))
        return found


def is_iban(text: str) -> bool:
    """Check an IBAN's two digits (ISO 13616, ISO/IEC 7064 mod 97-10)."""
    code = re.sub(r"\W", "", text).upper()
    digits = "".join(str(int(sign, 36)) for sign in code[4:] + code[:4])
    return len(code) >= 15 and int(digits) % 97 == 1


def is_card(text: str) -> bool:
    """Check a card number's last digit (Luhn, ISO/IEC 7812-1)."""
    digits = [int(sign) for sign in text if sign.isdigit()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return len(digits) >= 13 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_small_place(text: str) -> bool:
    """Tell a place that is no state, country or other large one."""
    data = load_yaml("recognisers")
    first = re.sub(r"[’']s$", "", text.split()[0].lower())
    return first not in data["large_places"] and first not in data["not_names"]


def is_over_89(text: str) -> bool:
    """Tell an age of 90 to 120: ages up to 89 may stay (45 CFR 164.514(b)(2)(i)(C))."""
    age = age_in(text)
    return age is not None and 90 <= age <= 120


_CHECKS: dict[str, Callable[[str], bool]] = {
    "iban": is_iban,
    "luhn": is_card,
    "date": can_shift,
    "age": is_over_89,
    "place": is_small_place,
    "": lambda text: True,
}


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
    if not isinstance(patterns, list) or not patterns or check not in _CHECKS:
        raise _bad("a class has no patterns or an unknown check", str(entry.get("class")))
    try:
        compiled = tuple(re.compile(_filled(str(pattern), fill)) for pattern in patterns)
    except re.error as error:
        raise _bad(f"a pattern of {entry['class']} is none: {error}", str(error.pattern)) from error
    return Recogniser(str(entry["class"]), compiled, _CHECKS[check])


def _filled(pattern: str, fill: dict[str, str]) -> str:
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
